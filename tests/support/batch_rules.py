"""Rules of AWS Batch that tests and the emulator keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXITED = "Essential container in task exited"
"""What AWS Batch gives as the status reason of a job whose process ended by itself."""

RECLAIMED = "Host EC2 (instance i-0123456789abcdef0) terminated."
"""AWS Batch's reason if the machine was reclaimed."""


def is_tried_again(
    rules: Sequence[Mapping[str, str]],
    *,
    exit_code: int | None,
    status_reason: str,
    reason: str = "",
) -> bool:
    """Return whether ``evaluateOnExit`` retries a failed attempt.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html

    Args:
        rules: Rules with the keys of the service's interface, such as ``onExitCode``.
        exit_code: Exit code of the container, or None.
        status_reason: Why the job ended.
        reason: Why the container ended.
    """
    facts = {
        "onExitCode": "" if exit_code is None else str(exit_code),
        "onStatusReason": status_reason,
        "onReason": reason,
    }
    for rule in rules:
        if all(_matches(facts[name], rule[name]) for name in facts if name in rule):
            return rule["action"].upper() == "RETRY"
    # What matches no rule is tried again.
    return True


def _matches(fact: str, pattern: str) -> bool:
    return fact.startswith(pattern[:-1]) if pattern.endswith("*") else fact == pattern
