"""MLS68: how changes are reviewed."""

from __future__ import annotations

from mlsystem.diagnostics.code import Code

REVIEW: dict[str, Code] = {
    "MLS680": Code(
        "a reviewed environment that is not declared",
        "The workflow plans and applies environments of this file, each by its name.",
        "environments: {staging: {target: kubernetes, …}}\nreview: {github: {environments: {stagging: {}}, …}}",
        "environments: {staging: {target: kubernetes, …}}\nreview: {github: {environments: {staging: {}}, …}}",
    ),
    "MLS681": Code(
        "a reviewed environment that no runner reaches",
        "A workflow runs on a machine of its own, which is gone afterwards. What runs on one machine is applied there.",
        "environments: {dev: {target: local}}\nreview: {github: {environments: {dev: {}}, …}}",
        "environments: {dev: {target: local}, staging: {target: kubernetes, …}}\n"
        "review: {github: {environments: {staging: {}}, …}}",
    ),
    "MLS682": Code(
        "roles that do not keep looking and changing apart",
        "A pull request is planned before anybody has read it, with a role that may only read. What was merged and"
        " approved is applied with another one, which only the job of that environment gets.",
        "review: {github: {environments: {staging: {plan_role: arn:aws:iam::111122223333:role/admin,"
        " apply_role: arn:aws:iam::111122223333:role/admin}}, …}}",
        "review: {github: {environments: {staging: {plan_role: arn:aws:iam::111122223333:role/delay-staging-plan,"
        " apply_role: arn:aws:iam::111122223333:role/delay-staging-apply}}, …}}",
    ),
    "MLS683": Code(
        "state that a runner does not find",
        "What an apply leaves behind has to be there when the next one begins. A runner of a workflow begins with the"
        " files of the repository and nothing else, and has no passphrase.",
        "environments: {staging: {target: kubernetes, …}}\nreview: {github: {environments: {staging: {}}, …}}",
        'environments: {staging: {target: kubernetes, state: "s3://company-state/delay/staging",'
        ' pulumi: {secrets_provider: "awskms://alias/pulumi"}, …}}\nreview: {github: {environments: {staging: {}}, …}}',
    ),
}
