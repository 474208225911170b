"""What goes over the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Quantity = Annotated[int, Field(ge=1, le=10_000)]


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    status: str


class CustomerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    orders: list[OrderOut]


class EmailChange(BaseModel):
    email: str


class NewOrder(BaseModel):
    customer_id: Id
    product_id: Id
    quantity: Quantity = 1


class Receipt(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    total: int


class Delivery(BaseModel):
    quantity: Quantity


class Sale(BaseModel):
    percent: Annotated[int, Field(ge=0, le=100)]
