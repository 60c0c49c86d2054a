"""What the models know about themselves: which model stands at a place, its keys, and where a key belongs."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from outrider.spec.mistakes import Path


class Location(NamedTuple):
    """Where an error stands: the path a person sees, the model around its end, and the keys of its other shapes."""

    path: Path
    around: Any
    others: tuple[str, ...]

    @property
    def deciding(self) -> str:
        """The key by which this shape is told from the others."""
        return next(key for key in keys_of(self.around) if key not in self.others)


def located_in(model: type[BaseModel], loc: tuple[int | str, ...]) -> Location:
    """The place of pydantic's ``loc``, which names the shape of a value as if it were a key."""
    here: Any = model
    around: Any = model
    others: tuple[str, ...] = ()
    path: list[int | str] = []
    for index, part in enumerate(loc):
        found = shapes(here)
        if str(part) in found:
            here = found[str(part)]
            others = other_keys(found, str(part)) if index == len(loc) - 2 else ()
        else:
            around, here = here, below(here, part)
            path.append(part)
    return Location(tuple(path), around, others)


def other_keys(found: dict[str, Any], tag: str) -> tuple[str, ...]:
    """The keys of all shapes but one."""
    return tuple(key for name, shape in found.items() if name != tag for key in keys_of(shape))


def places_of(key: str, annotation: Any, prefix: str = "") -> list[str]:
    """Where a key is known below a model, as ``upstreams.NAME`` or ``checks``."""
    found = bare(annotation)
    if get_origin(found) is dict:
        return places_of(key, get_args(found)[1], f"{prefix}.NAME")
    if get_origin(found) is tuple:
        return places_of(key, get_args(found)[0], prefix)
    models = [found] if is_model(found) else list(shapes(found).values())
    here = [prefix.removeprefix(".") or "the file itself"] if any(key in keys_of(model) for model in models) else []
    fields = [(name, field) for model in models if is_model(model) for name, field in model.model_fields.items()]
    return here + [place for name, field in fields for place in places_of(key, field.annotation, f"{prefix}.{name}")]


def bare(annotation: Any) -> Any:
    """An annotation without its ``Annotated`` and without ``| None``."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        rest = [part for part in get_args(annotation) if part is not NoneType]
        return bare(rest[0]) if len(rest) == 1 else annotation
    return annotation


def shapes(annotation: Any) -> dict[str, Any]:
    """The shapes of a tagged union by their tags; empty for everything else."""
    found = bare(annotation)
    if get_origin(found) not in {Union, UnionType}:
        return {}
    return {str(tag): bare(part) for part in get_args(found) if (tag := tag_of(part))}


def tag_of(annotation: Any) -> str | None:
    """The tag of one shape."""
    return next((part.tag for part in getattr(annotation, "__metadata__", ()) if isinstance(part, Tag)), None)


def below(annotation: Any, part: int | str) -> Any:
    """The annotation of a field, of a map's values or of a list's items."""
    found = bare(annotation)
    if isinstance(found, type) and issubclass(found, BaseModel):
        field = found.model_fields.get(str(part))
        return None if field is None else field.annotation
    arguments = get_args(found)
    if get_origin(found) is dict:
        return arguments[1]
    return arguments[0] if get_origin(found) is tuple else None


def is_model(annotation: Any) -> bool:
    """Whether the annotation is one of our models."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_map(around: Any, key: str) -> bool:
    """Whether a key holds a map that may be empty."""
    found = bare(below(around, key))
    return is_model(found) or get_origin(found) is dict


def is_list(around: Any, key: str) -> bool:
    """Whether a key holds a list."""
    return get_origin(bare(below(around, key))) is tuple


def is_shape(around: Any, key: str) -> bool:
    """Whether a key holds a map of one of several shapes."""
    found = shapes(below(around, key))
    return bool(found) and all(is_model(shape) for shape in found.values())


def is_text(around: Any, key: str) -> bool:
    """Whether a key holds free text, empty too: the values of a map of texts."""
    found = below(around, key)
    return get_origin(bare(around)) is dict and (bare(found) is str or "Text" in shapes(found))


def field_of(around: Any, key: str) -> FieldInfo | None:
    """What a model knows of one of its keys."""
    found = bare(around)
    return found.model_fields.get(key) if is_model(found) else None


def example_of(around: Any, key: str) -> Any:
    """The first example of a field, or None."""
    field = field_of(around, key)
    return next(iter((field.examples if field else None) or []), None)


def keys_of(annotation: Any) -> tuple[str, ...]:
    """The keys of the model, in its order."""
    found = bare(annotation)
    return tuple(found.model_fields) if is_model(found) else ()


def summary_of(annotation: Any, key: str) -> str:
    """The first sentence of a field's description, in lower case as the end of a sentence."""
    field = field_of(annotation, key)
    if field is None or not field.description:
        return "it is needed here"
    first = field.description.split(". ")[0].split(".\n")[0].rstrip(".").replace("``", "")
    return first if first[:2].isupper() else first[0].lower() + first[1:]
