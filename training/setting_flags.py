"""Flags from dataclasses of settings, so that names, defaults and help texts stand in one place."""

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from absl import flags

flags.disclaim_key_flags()  # they belong to the program that asks for them

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_PARSERS = {int: flags.IntegerParser, float: flags.FloatParser, str: flags.ArgumentParser}
_KINDS = {int: "whole numbers", float: "numbers", str: "words"}


class SettingFlags:
    """A flag for each field of a dataclass; its help text is what the docstring says of the field.

    A field that is a tuple takes values between commas. Of a flag given twice the last one counts,
    so that flag files can build on each other.

    Args:
      cls: the dataclass.
      prefix: of every flag's name.
      skip: fields without a flag.
      names: flags that are called otherwise than prefix and field, by field.
      at_least: the least value, by field.
      choices: what a field may be, by field.
      unset: what an absent flag stands for, if that is not the dataclass's default.
    """

    def __init__(
        self,
        cls: type,
        prefix: str = "",
        *,
        skip: Collection[str] = (),
        names: Mapping[str, str] = _NOTHING,
        at_least: Mapping[str, float] = _NOTHING,
        choices: Mapping[str, Collection[str]] = _NOTHING,
        unset: str = "",
    ):
        hints, texts = typing.get_type_hints(cls), field_texts(cls)
        self._cls = cls
        self._holders: dict[str, flags.FlagHolder] = {}
        for field in dataclasses.fields(cls):
            if field.name in skip:
                continue
            text = texts.get(field.name, f"See {cls.__name__}.{field.name}.")
            if field.name in choices:
                text += f" Of {', '.join(choices[field.name])}."
            if unset:
                text += f" Default: {unset}."
            self._holders[field.name] = _define(
                names.get(field.name, prefix + field.name),
                _without_none(hints[field.name]),
                None if unset or field.default is dataclasses.MISSING else field.default,
                text,
                at_least.get(field.name),
                choices.get(field.name),
            )

    def values(self) -> dict[str, Any]:
        """What the flags say, by field; fields whose flag is absent and has no default are not."""
        named = {name: holder.value for name, holder in self._holders.items()}
        return {name: value for name, value in named.items() if value is not None}

    def make(self, **others: Any) -> Any:
        """The dataclass, with `others` for the fields that have no flag."""
        return self._cls(**self.values(), **others)


def field_texts(cls: type) -> dict[str, str]:
    """What the docstring of a dataclass says of its fields under `Attributes:`, as sentences."""
    _, _, section = inspect.cleandoc(cls.__doc__ or "").partition("\nAttributes:\n")
    texts: dict[str, str] = {}
    for names, text in re.findall(r"^  (\w[\w, ]*): (.*(?:\n   .*)*)", section, re.M):
        sentence = " ".join(text.split()).rstrip(".") + "."
        for name in names.split(", "):
            texts[name] = sentence[0].upper() + sentence[1:]
    return texts


class _TupleParser(flags.ArgumentParser):
    """Values between commas; tuples of them with slashes between: 1,3,9/1,3.

    Args:
      hint: the type: `tuple[int, ...]`, `tuple[float, float]`, `tuple[tuple[int, ...], ...]`.
      choices: the words that are allowed; None: all.
    """

    def __init__(self, hint: Any, choices: Collection[str] | None):
        kind, *others = typing.get_args(hint)
        self._length = None if others == [...] else 1 + len(others)
        self._choices = choices
        self._item: flags.ArgumentParser
        if typing.get_origin(kind) is tuple:
            self._item, self._between = _TupleParser(kind, choices), "/"
            self.what = f"{self._item.what}, slashes between those"
        else:
            self._item, self._between = _PARSERS[kind](), ","
            count = f"{self._length} " if self._length else ""
            self.what = f"{count}{_KINDS[kind]} with commas between"
        self.syntactic_help = self.what

    def parse(self, argument: Any) -> tuple:
        if not isinstance(argument, str):
            return tuple(argument)
        parts = argument.split(self._between) if argument else []
        try:
            values = tuple(self._item.parse(part.strip()) for part in parts)
        except ValueError:
            raise ValueError(f"that is not {self.what}") from None
        if self._choices is not None and (unknown := set(values) - set(self._choices)):
            raise ValueError(f"{min(unknown)} is none of {', '.join(self._choices)}")
        if self._length not in (None, len(values)):
            raise ValueError(f"that is not {self.what}")
        return values

    def flag_type(self) -> str:
        return f"list of {self._item.flag_type()}"


class _TupleSerializer(flags.ArgumentSerializer):
    """The text that a `_TupleParser` reads back."""

    def serialize(self, value: tuple) -> str:
        nested = any(isinstance(item, tuple) for item in value)
        return ("/" if nested else ",").join(
            self.serialize(item) if nested else str(item) for item in value
        )


def _without_none(hint: Any) -> Any:
    """`str` of `str | None`; other types as they are."""
    if isinstance(hint, types.UnionType):
        (hint,) = (kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint


def _define(
    name: str,
    kind: Any,
    default: Any,
    text: str,
    at_least: float | None,
    choices: Collection[str] | None,
) -> flags.FlagHolder:
    if kind is bool:
        return flags.DEFINE_boolean(name, default, text)
    serializer = flags.ArgumentSerializer()
    if typing.get_origin(kind) is tuple:
        parser = _TupleParser(kind, choices)
        serializer = _TupleSerializer()
    elif choices is not None:
        parser = flags.EnumParser(list(choices))
    elif at_least is not None:
        parser = _PARSERS[kind](at_least)
    else:
        parser = _PARSERS[kind]()
    return flags.DEFINE(parser, name, default, text, serializer=serializer)
