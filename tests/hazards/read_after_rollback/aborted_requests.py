"""A handler that aborts the request of Flask, or the command of click."""

import click
from flask import abort
from werkzeug.exceptions import HTTPException, NotFound

Keeping = sessionmaker(engine, expire_on_commit=False)


def _refuse(error):
    print(error)
    abort(409)


def aborted(fails):
    try:
        with Keeping() as session:
            book = session.get(Book, 1)
            book.title = None if fails else "Lavinia"
            try:
                session.commit()
            except IntegrityError:
                session.rollback()
                abort(409)
        print(book.title)  # quiet: `abort` never returns
    except HTTPException as error:
        print(error.code)


def aborted_below(fails):
    try:
        with Keeping() as session:
            book = session.get(Book, 1)
            book.title = None if fails else "Lavinia"
            try:
                session.commit()
            except IntegrityError as error:
                session.rollback()
                _refuse(error)
        print(book.title)  # quiet: nor does what ends in it
    except HTTPException as error:
        print(error.code)


def read_by_who_catches_it(fails):
    book = None
    try:
        with Keeping() as session:
            book = session.get(Book, 1)
            book.title = None if fails else "Lavinia"
            try:
                session.commit()
            except IntegrityError:
                session.rollback()
                abort(409)
    except HTTPException:
        print(book.title)  # finding: book.title expired at the rollback


def read_by_who_catches_another(fails):
    book = None
    try:
        with Keeping() as session:
            book = session.get(Book, 1)
            book.title = None if fails else "Lavinia"
            try:
                session.commit()
            except IntegrityError:
                session.rollback()
                abort(404)
    except NotFound:
        print(book.title)  # finding: book.title expired at the rollback


def a_command(fails):
    context = click.Context(click.Command("save"))
    try:
        with Keeping() as session:
            book = session.get(Book, 1)
            book.title = None if fails else "Lavinia"
            try:
                session.commit()
            except IntegrityError as error:
                session.rollback()
                context.fail(str(error))
        print(book.title)  # quiet: `Context.fail` never returns
    except click.UsageError as error:
        print(error)


def _leave(context: click.Context):
    print("left")
    context.exit(1)


def a_command_that_leaves(fails):
    context = click.Context(click.Command("save"))
    try:
        with Keeping() as session:
            book = session.get(Book, 1)
            book.title = None if fails else "Lavinia"
            try:
                session.commit()
            except IntegrityError:
                session.rollback()
                _leave(context)
        print(book.title)  # quiet: `Context.exit` does not either
    except click.exceptions.Exit as error:
        print(error.exit_code)


def a_command_that_goes_on(fails):
    context = click.Context(click.Command("save"))
    with Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            print(context.get_usage())
    print(book.title)  # finding: book.title expired at the rollback
