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


class ReplayImpossible(NotFound):
    """A run whose events or texts this release cannot read any more."""

    code = "replay_impossible"
    title = "There is nothing to replay: the run's events or its text cannot be read any more."


class MapRefused(DomainError):
    """A map of steps that does not lead from one version to another; ``errors`` says where."""

    code = "map_refused"
    title = "The map does not lead from the one version to the other."
    http_status = 422


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


class VersionNotFound(NotFound):
    """The workflow has no version with that hash."""

    code = "workflow_version_not_found"
    title = "There is no version of this workflow with that hash."


class VersionNotPublishable(Conflict):
    """Only a validated version, or one that was published before, can be published."""

    code = "workflow_version_not_publishable"
    title = "This version has not been validated yet."


class NothingToRollBack(Conflict):
    """No earlier version of the workflow was ever published here."""

    code = "nothing_to_roll_back"
    title = "There is no earlier published version to go back to."


class DraftNotFound(NotFound):
    """No draft of that id in this workflow."""

    code = "workflow_draft_not_found"
    title = "There is no draft of that id."


class DraftClash(Conflict):
    """Someone saved the draft since the caller read it; `revision` is the one on record now."""

    code = "workflow_draft_clash"
    title = "Someone else has saved this draft meanwhile."


class DraftTitleTaken(Conflict):
    """A workflow's drafts have different titles."""

    code = "workflow_draft_title_taken"
    title = "This workflow has a draft of that title already."


class DraftsFull(Conflict):
    """A workflow holds so many drafts at most; `limit` says how many."""

    code = "workflow_drafts_full"
    title = "This workflow has as many drafts as it may; delete one first."


class TurnNotRunnable(Conflict):
    """The conversation has nothing for a workflow to answer."""

    code = "turn_not_runnable"
    title = "There is nothing to answer in this conversation."


class AnswerRefused(DomainError):
    """The AI may not answer; ``reason`` says why, and a person is asked for instead."""

    code = "answer_refused"
    title = "A person answers this."
    http_status = 429


class RunsStopped(AnswerRefused):
    """The workspace's runs, or those of this workflow, are stopped until someone resumes them."""

    code = "runs_stopped"
    title = "The workflows of this workspace are stopped."
    http_status = 503
