"""The Pulumi programs of the stacks below the system: `foundation` and `cluster`, through typed constructors.

One module per concern, each resource a statement; nothing is decided in the program. A value that only an update knows
is an output of another statement, or of the other stack.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from mlsystem.emit.aws.resource import (
    Interpolated,
    Json,
    Lookup,
    Outside,
    Policy,
    Ref,
    Resource,
    Stack,
    Value,
    reasons,
    references,
)
from mlsystem.emit.python_source import Call, Code, source
from mlsystem.emit.tree import Artifact

ACCOUNT = "account"
"""The module, and the variable, of the provider; beside it the stacks that are referred to."""
OUTPUTS = "outputs"
PACKAGES: Mapping[str, str] = {
    "aws": "import pulumi_aws as aws",
    "kubernetes": "import pulumi_kubernetes as k8s",
}
REQUIREMENTS: Mapping[str, str] = {"aws": "pulumi-aws>=7.51,<8", "kubernetes": "pulumi-kubernetes>=4.32,<5"}
ALIASES: Mapping[str, str] = {"kubernetes": "k8s"}
COMMENT_WIDTH = 98

Declared = Resource | Lookup


def emit_stack(stack: Stack) -> tuple[Artifact, ...]:
    """`pulumi/NAME/`: the project, its `__main__.py` and one module per concern."""
    program = Program(stack)
    concerns = program.modules()
    assert OUTPUTS not in concerns, "its module has another meaning"
    files = {
        "Pulumi.yaml": project(stack),
        "requirements.txt": requirements(stack),
        "__main__.py": program.main([*concerns, OUTPUTS] if stack.outputs else concerns),
        f"{stack.name}/__init__.py": f'"""The {stack.name} of {stack.environment}."""\n',
        f"{stack.name}/{ACCOUNT}.py": program.account(),
        **{f"{stack.name}/{concern}.py": program.module(concern) for concern in concerns},
        **({f"{stack.name}/{OUTPUTS}.py": program.outputs()} if stack.outputs else {}),
    }
    origin = "infrastructure.environment"
    return tuple(Artifact(f"pulumi/{stack.name}/{path}", content, origin=origin) for path, content in files.items())


def project(stack: Stack) -> str:
    return (
        f"name: {stack.project}\ndescription: The {stack.name} of {stack.environment} in AWS account {stack.account}\n"
        "runtime: python\n"
    )


def requirements(stack: Stack) -> str:
    needed = [REQUIREMENTS[package] for package in sorted({package_of(one) for one in declared(stack)} | {"aws"})]
    return "".join(f"{line}\n" for line in ["pulumi>=3.259,<4", *needed])


def declared(stack: Stack) -> tuple[Declared, ...]:
    return (*stack.lookups, *stack.resources)


def package_of(one: Declared) -> str:
    return one.kind.partition(".")[0]


class Program:
    """The resources of a stack, each with the name of its variable and of the module that declares it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.by_name: dict[str, Declared] = {one.name: one for one in declared(stack)}
        modules = {one.concern for one in self.by_name.values()}
        self.variables = {name: variable(name, modules) for name in self.by_name}
        assert len(set(self.variables.values())) == len(self.variables), "two names are one variable"

    def modules(self) -> list[str]:
        """Concerns, each after those that its own refer to. One that waits in a circle is a slip of ours."""
        before = {one.concern: set[str]() for one in self.by_name.values()}
        for one in self.by_name.values():
            before[one.concern] |= {other.concern for other in self.waits_for(one)} - {one.concern}
        return [str(concern) for concern in TopologicalSorter(before).static_order()]

    def waits_for(self, one: Declared) -> list[Declared]:
        """What it refers to, and what it only has to come after."""
        names = [found.resource for found in references(one.inputs) if isinstance(found, Ref)]
        if isinstance(one, Resource):
            names += [*one.depends_on, *([one.provider] if one.provider else [])]
        return [self.by_name[name] for name in dict.fromkeys(names)]

    def ordered(self, concern: str) -> list[Declared]:
        """The statements of a module: as they were made, but each after those that it refers to."""
        mine = {one.name: one for one in self.by_name.values() if one.concern == concern}
        before = {
            name: [other.name for other in self.waits_for(one) if other.name in mine] for name, one in mine.items()
        }
        return [mine[name] for name in TopologicalSorter(before).static_order()]

    def module(self, concern: str) -> str:
        mine = self.ordered(concern)
        used: dict[str, set[str]] = {}
        for one in mine:
            for module, name in self.needed(one):
                if module != concern:
                    used.setdefault(module, set()).add(name)
        packages = [PACKAGES[package] for package in sorted({package_of(one) for one in mine})]
        head = "\n".join(["import pulumi", *packages]) + imports(self.stack, used, before="\n\n")
        title = concern.replace("_", " ").capitalize()
        return f'"""{title}."""\n\n{head}\n\n' + "\n\n".join(map(self.statement, mine)) + "\n"

    def needed(self, one: Declared) -> Iterable[tuple[str, str]]:
        """Every variable that its statement names, with its module."""
        if self.of_account(one):
            yield ACCOUNT, ACCOUNT
        for found in references(one.inputs):
            yield self.declared_in(found)
        for other in self.waits_for(one):
            yield other.concern, self.variables[other.name]

    def of_account(self, one: Declared) -> bool:
        return package_of(one) == "aws" and (isinstance(one, Lookup) or one.provider is None)

    def statement(self, one: Declared) -> str:
        inputs = {name: self.expression(value) for name, value in one.inputs.items() if value is not None}
        package, _, rest = one.kind.partition(".")
        function = f"{ALIASES.get(package, package)}.{rest}"
        if isinstance(one, Lookup):
            opts = Call("pulumi.InvokeOptions", {"provider": Code(ACCOUNT)})
            call = Call(function, {**inputs, "opts": opts}, spread=True)
        else:
            call = Call(function, {**inputs, **self.options(one)}, [one.name], spread=True)
        return f"{comment(one)}{self.variables[one.name]} = {source(call)}"

    def options(self, one: Resource) -> dict[str, Call]:
        found: dict[str, Value] = {}
        if one.provider is not None:
            found["provider"] = Code(self.variables[one.provider])
        elif self.of_account(one):
            found["provider"] = Code(ACCOUNT)
        if one.depends_on:
            found["depends_on"] = [Code(self.variables[name]) for name in one.depends_on]
        if one.protect:
            found["protect"] = True
        if one.ignore_changes:
            found["ignore_changes"] = list(one.ignore_changes)
        if one.secret_outputs:
            found["additional_secret_outputs"] = list(one.secret_outputs)
        return {"opts": Call("pulumi.ResourceOptions", found)} if found else {}

    def expression(self, value: Value) -> Value:
        """`value` for the printer: outputs are code."""
        match value:
            case Ref():
                return Code(f"{self.variables[value.resource]}.{value.attribute}")
            case Outside():
                return outside(value)
            case Interpolated():
                return self.formatted(value)
            case Json():
                return Call("pulumi.Output.json_dumps", {}, [self.expression(value.value)])
            case Policy():
                return Call("pulumi.Output.json_dumps", {}, [self.expression(value.document)])
            case Mapping():
                return {key: self.expression(one) for key, one in value.items()}
            case list() | tuple():
                return [self.expression(one) for one in value]
            case _:
                return value

    def formatted(self, value: Interpolated) -> Call:
        """By a format, in which an output may be one that the SDK calls optional."""
        outputs = [one for one in value.parts if not isinstance(one, str)]
        places = iter(f"{{{place}}}" for place in range(len(outputs)))
        text = "".join(escaped(one) if isinstance(one, str) else next(places) for one in value.parts)
        return Call("pulumi.Output.format", {}, [text, *map(self.expression, outputs)])

    def account(self) -> str:
        stack = self.stack
        named = {
            "region": stack.region,
            "allowed_account_ids": [stack.account],
            "default_tags": {"tags": dict(stack.tags)},
        }
        made = [f"{ACCOUNT} = {source(Call('aws.Provider', named, [ACCOUNT], spread=True))}"]
        others = sorted({found.stack for found in self.outside()})
        made += [f"{name} = {source(stack_reference(stack, name))}" for name in others]
        head = "import pulumi\nimport pulumi_aws as aws" if len(made) > 1 else "import pulumi_aws as aws"
        return f'"""The account: nothing is done in another one."""\n\n{head}\n\n' + "\n\n".join(made) + "\n"

    def outside(self) -> Iterable[Outside]:
        values = ([one.inputs for one in self.by_name.values()], self.stack.outputs)
        return (found for value in values for found in references(value) if isinstance(found, Outside))

    def main(self, modules: Sequence[str]) -> str:
        listed = "\n".join(f'    "{one}",' for one in sorted(modules))
        imported = "\n".join(f"    {one}," for one in sorted(modules))
        return (
            f'"""The {self.stack.name} of {self.stack.environment}: `mlsystem apply` carries this out."""\n\n'
            f"from {self.stack.name} import (\n{imported}\n)\n\n"
            f'__all__ = [\n{listed}\n]\n"""One module per concern: importing it declares its resources."""\n'
        )

    def outputs(self) -> str:
        used: dict[str, set[str]] = {}
        for found in references(self.stack.outputs):
            module, name = self.declared_in(found)
            used.setdefault(module, set()).add(name)
        head = "import pulumi" + imports(self.stack, used, before="\n\n")
        exports = "\n".join(self.exports())
        return f'"""What other stacks of the environment may ask for."""\n\n{head}\n\n{exports}\n'

    def declared_in(self, found: Ref | Outside) -> tuple[str, str]:
        """The module, and the name of the variable in it."""
        if isinstance(found, Outside):
            return ACCOUNT, found.stack
        return self.by_name[found.resource].concern, self.variables[found.resource]

    def exports(self) -> list[str]:
        made = (Call("pulumi.export", {}, [name, self.expression(one)]) for name, one in self.stack.outputs.items())
        return [source(one) for one in made]


def imports(stack: Stack, used: Mapping[str, set[str]], before: str) -> str:
    """One line for each module; `before` them, where there are any."""
    lines = [f"from {stack.name}.{module} import {names(found)}" for module, found in sorted(used.items())]
    return before + "\n".join(lines) if lines else ""


def stack_reference(stack: Stack, name: str) -> Call:
    """The stack of that name of the same environment, in the same backend."""
    project_name = f"{stack.project.removesuffix(stack.name)}{name}"
    path = f'f"{{pulumi.get_organization()}}/{project_name}/{stack.environment}"'
    return Call("pulumi.StackReference", {}, [name, Code(path)], spread=True)


def outside(value: Outside) -> Code:
    """`require_output` fails where there is no such output, in place of passing nothing on."""
    return Code(f'{value.stack}.require_output("{value.output}")')


def escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def variable(name: str, modules: Collection[str]) -> str:
    """`name` as Python has names; one that means something else already ends in an underscore."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    taken = keyword.iskeyword(plain) or plain in ("aws", "k8s", "pulumi", ACCOUNT) or plain in modules
    return f"{plain}_" if taken else plain


def names(found: set[str]) -> str:
    flat = ", ".join(sorted(found))
    return flat if len(flat) <= 50 else "(\n" + "".join(f"    {name},\n" for name in sorted(found)) + ")"


def comment(one: Declared) -> str:
    said = [text for text in (one.why, *reasons(one.inputs)) if text]
    lines = [line for text in said for line in textwrap.wrap(text, COMMENT_WIDTH)]
    return "".join(f"# {line}\n" for line in lines)
