"""Problems: the six families of everything that can go wrong, in our words.

A problem carries a stable code, a zh/en title and hint, and declared details. It never carries the
world's values: details pass :func:`tigertally.base.text.safe`, ``str()`` of a problem is its code
only, and no face shows ``str(exception)`` anyway. Subclass one of the families, set ``code``,
``title``, ``hint``; list the names of the details in the templates.

    class NoSuchToken(Missing):
        code = "vault.no_such_token"
        title = Text("没有这个令牌", "no such token")
        hint = Text("请核对令牌和所属交易", "check the token and the deal it belongs to")

Exit and HTTP codes belong to the faces (``app.problems``); they are listed in docs/ERRORS.md.
"""

from __future__ import annotations

from typing import ClassVar

from tigertally.base.text import Lang, Text, safe


class Problem(Exception):  # noqa: N818 - the word the whole house uses; families and problems are no "Errors"
    """Root of the six families. Raise a concrete subclass, never this one."""

    code: ClassVar[str] = "problem"
    title: ClassVar[Text] = Text("出现问题", "something is wrong")
    hint: ClassVar[Text] = Text("", "")

    def __init__(self, **details: object) -> None:
        super().__init__(self.code)
        self.details: dict[str, str | int] = {
            name: value if isinstance(value, int) else safe(value) for name, value in details.items()
        }

    def __reduce__(self) -> tuple[object, ...]:
        # Subclasses take what they like; what they made of it is all that travels between processes.
        return _again, (type(self), self.args, self.__dict__)

    def say(self, lang: Lang) -> str:
        """Return the title in ``lang``, details filled in."""
        return self.title.render(lang, **self.details)

    def advise(self, lang: Lang) -> str:
        """Return the hint in ``lang``, details filled in; may be empty."""
        return self.hint.render(lang, **self.details)

    def __str__(self) -> str:
        return self.code


def _again(kind: type[Problem], args: tuple[object, ...], state: dict[str, object]) -> Problem:
    """Return the problem that was pickled."""
    problem = kind.__new__(kind)
    problem.args = args
    problem.__dict__.update(state)
    return problem


class Invalid(Problem):
    """The request makes no sense: what, where, hint."""

    code = "invalid"
    title = Text("请求无效", "the request is not valid")


class Refused(Problem):
    """We know you; no. Carries every unmet condition where there is a list of them."""

    code = "refused"
    title = Text("被拒绝", "refused")


class Missing(Problem):
    """No such thing, or not for you: nobody can tell which."""

    code = "missing"
    title = Text("找不到", "not found")


class Conflict(Problem):
    """Not in a state that allows this."""

    code = "conflict"
    title = Text("当前状态不允许此操作", "the present state does not allow this")


class Unavailable(Problem):
    """Something we need is down; later may work."""

    code = "unavailable"
    title = Text("所需的服务暂不可用", "something that is needed is not available")


class Broken(Problem):
    """Stored data or evidence failed a check; stop."""

    code = "broken"
    title = Text("存储的数据或证据未通过校验", "stored data or evidence failed a check")


FAMILIES: tuple[type[Problem], ...] = (Invalid, Refused, Missing, Conflict, Unavailable, Broken)


def family_of(problem: Problem) -> type[Problem]:
    """Return which of the six families ``problem`` belongs to."""
    for family in FAMILIES:
        if isinstance(problem, family):
            return family
    return Broken
