"""`entities`: what features are about, and the key that names one."""

from mlsystem.spec.base import Identifier, KeyTypeText, Section, declare


class EntitySpec(Section):
    """A thing that features describe."""

    key: dict[Identifier, KeyTypeText] = declare(
        "The parts of the key and their types.", "features", example="{carrier: string}", min_length=1
    )
    description: str | None = declare("A note for readers.", None, default=None)
    owners: tuple[str, ...] = declare("Who answers for it.", None, default=())
    renamed_from: Identifier | None = declare(
        "The former name, to keep the identity across a rename.", None, default=None
    )
