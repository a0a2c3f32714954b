"""What can be wrong when people work with workflows."""

from core.errors import Conflict, DomainError, NotFound


class WorkflowNotFound(NotFound):
    """No workflow of that name."""

    code = "workflow_not_found"
    title = "There is no workflow of that name."


class RunNotFound(NotFound):
    """No run of that id in this workspace."""

    code = "run_not_found"
    title = "There is no run of that id."


class WaitNotFound(NotFound):
    """No request of that id in this workspace."""

    code = "wait_not_found"
    title = "There is no request of that id."


class RunNotStuck(Conflict):
    """Only a run that gave up undoing something can be told to try again."""

    code = "run_not_stuck"
    title = "This run has nothing left to undo."


class WorkflowInvalid(DomainError):
    """A workflow text with mistakes; ``errors`` lists each with line, column and pointer."""

    code = "workflow_invalid"
    title = "The workflow has mistakes."
    http_status = 422


class PublishClash(Conflict):
    """Two people published the same workflow at the same moment."""

    code = "publish_clash"
    title = "Someone else published this workflow at the same moment; try again."
    retryable = True


class TurnNotRunnable(Conflict):
    """The conversation has nothing for a workflow to answer."""

    code = "turn_not_runnable"
    title = "There is nothing to answer in this conversation."


class AnswerRefused(DomainError):
    """The AI may not answer; ``reason`` says why, and a person is asked for instead."""

    code = "answer_refused"
    title = "A person answers this."
    http_status = 429
