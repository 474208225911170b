"""What goes over the wire."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


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
    customer_id: int
    product_id: int
    quantity: int = 1


class Receipt(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    total: int


class Delivery(BaseModel):
    quantity: int


class Sale(BaseModel):
    percent: int
