"""The supervisor: cells go to sealed processes with limits on time and memory, and their replies to judges.

A cell has a place from its start until it is recorded; so many places are taken at a time. The process that imputes
ends before its reply is judged, in another process that never runs code of imputers.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.judge import Damaged, Job
from benchmarks.judges import Judge, judge_server
from benchmarks.processes import Limits, used_gb
from benchmarks.sealed import POLL_SECONDS, Reply, Seal, SealLostError, select
from reports.results import Record

GRACE_SECONDS = 2.0  # between the end of a connection and that of its process
START_SECONDS = 600.0  # that the server may take until a process starts: its imports come first
JUDGING_SECONDS = 3600.0


@dataclass(eq=False)
class _Running:
    job: Job
    started: float  # of its process, once that is known
    reply: Reply | None = None
    log: int | None = None
    code: int | None = None  # exit code of the sealed process, once it has ended
    failure: str = ""
    lost_at: float | None = None  # when the connection ended before the reply was whole
    judge: Judge | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


class Supervisor:
    """Runs jobs, ``n_jobs`` at a time, and gives each record to ``done``, which returns False to stop.

    Parameters
    ----------
    scoring : files that judges load, for their metrics.
    say : told of what is set aside.
    """

    def __init__(
        self, seal: Seal, n_jobs: int, limits: Limits, scoring: Sequence[Path], say: Callable[[str], None]
    ) -> None:
        self.seal, self.n_jobs, self.limits, self.say = seal, n_jobs, limits, say
        self.scoring = scoring
        self.running: list[_Running] = []
        self.idle: list[Judge] = []
        self.judges: list[Judge] = []

    def run(self, jobs: Iterable[Job], done: Callable[[Job, Record, float], bool]) -> None:
        """Run every job.

        Raises
        ------
        OSError
            If a prediction, or a log, cannot be written.
        """
        waiting = iter(jobs)
        with judge_server() as context:
            self.context = context
            try:
                while True:
                    self._start(waiting)
                    if not self.running:
                        return
                    self._listen()
                    self._watch()
                    for task, record in self._finished():
                        if not done(task.job, record, task.seconds):
                            return
            finally:
                for task in self.running:
                    self._leave(task)
                for judge in self.judges:
                    judge.process.kill()
                    judge.process.join()

    def _start(self, waiting: Iterator[Job]) -> None:
        while len(self.running) < self.n_jobs and (job := next(waiting, None)) is not None:
            task = _Running(job, time.monotonic())
            self.running.append(task)
            if job.store.prediction_path(job.prediction_key).exists():
                self._judge(task, None)
            else:
                self._impute(task)

    def _impute(self, task: _Running) -> None:
        job = task.job
        learned = job.store.learned_path(job.prediction_key).resolve()
        learned.mkdir(parents=True, exist_ok=True)
        path = job.store.log_path(job.prediction_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        task.log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        task.started = time.monotonic()
        start = partial(self.seal.start, job.request(self.seal.path), task.log, learned, self.limits.memory_gb)
        try:
            task.reply = start()
        except SealLostError:
            self._restart()
            task.reply = start()

    def _judge(self, task: _Running, reply: bytes | None) -> None:
        task.judge = self.idle.pop() if self.idle else self._new_judge()
        task.judge.end.send((task.job, reply, task.seconds))

    def _new_judge(self) -> Judge:
        judge = Judge(self.context, self.scoring)
        self.judges.append(judge)
        return judge

    def _listen(self) -> None:
        """Wait for news, and take them in."""
        replies = {task.reply.file: task for task in self.running if task.reply and not (task.reply.over or task.judge)}
        judges = [task.judge.end for task in self.running if task.judge]
        ready = select([*replies, *judges, self.seal], POLL_SECONDS)
        for file in replies:
            if file in ready:
                self._hear(replies[file])
        if self.seal in ready:
            try:
                found = self.seal.ended()
            except SealLostError:
                self._restart()
                return
            for task in self.running:
                if found and task.reply and task.reply.number == found[0]:
                    task.code = found[1]

    def _hear(self, task: _Running) -> None:
        """Take in what a process sent; its time runs from its first word, as the server may have been busy."""
        if task.reply is not None:
            new = task.reply.process_id is None
            task.reply.read(self._most(task.job))
            if new and task.reply.process_id is not None:
                task.started = time.monotonic()

    def _most(self, job: Job) -> int:
        """Bytes of the longest message that can be a prediction."""
        width = sum(max(len(column.labels), 2) for column in job.masked.schema)
        return 2**24 + 16 * (
            job.masked.values.size * (job.cell.n_draws + 2) + len(job.masked.values) * width + 4 * width**2
        )

    def _watch(self) -> None:
        """End processes that broke a limit, have sent their reply, or lost their connection."""
        sealed = [task for task in self.running if task.reply and task.code is None and not task.failure]
        for task in sealed:
            reply = task.reply
            if reply is None:
                continue
            overrun = None if reply.whole and reply.received else self._overrun(task)
            if overrun:
                task.failure = overrun
                self._end(task)
            elif reply.over and task.lost_at is None:
                task.lost_at = time.monotonic()
            elif task.lost_at is not None and time.monotonic() - task.lost_at > GRACE_SECONDS:
                self._end(task)
        for task in self.running:
            if task.judge and task.seconds > self.limits.seconds + JUDGING_SECONDS:
                task.judge.process.kill()

    def _overrun(self, task: _Running) -> str | None:
        pid, group = (task.reply.process_id, task.reply.group) if task.reply else (None, None)
        if task.seconds > self.limits.seconds + (0 if pid else START_SECONDS):
            return f"took longer than the limit of {self.limits.seconds:g} s"
        used = used_gb(pid, group) if pid else 0.0
        most = self.limits.memory_gb
        return f"used {used:.2f} GB, more than the limit of {most:g} GB" if used > most else None

    def _end(self, task: _Running) -> None:
        if task.reply is not None:
            with suppress(SealLostError):  # then it has ended, and `_listen` will see
                self.seal.end(task.reply.number)

    def _restart(self) -> None:
        """Start the server again; what it had under way is lost."""
        self.seal.reopen()
        for task in self.running:
            if task.reply and task.code is None and task.judge is None:
                task.code = -9
                task.failure = task.failure or "its process was ended together with the server that had started it"

    def _finished(self) -> Iterator[tuple[_Running, Record]]:
        """Tasks that have their record; those whose process ended go on to a judge."""
        for task in list(self.running):
            if task.judge is not None:
                record = self._judged(task)
            elif task.code is not None and task.reply is not None:
                task.reply.read(self._most(task.job))
                record = self._sealed_ended(task)
            else:
                continue
            if record is not None:
                self.running.remove(task)
                self._leave(task)
                yield task, record

    def _sealed_ended(self, task: _Running) -> Record | None:
        reply, code = task.reply, task.code
        if reply is not None and len(reply.received) >= 16 and reply.whole:
            self._judge(task, reply.message)
            return None
        message = task.failure
        if not message and reply is not None and len(reply.received) > self._most(task.job):
            message = "its process sent more than a prediction can hold"
        if not message and code is not None and code < 0:
            message = f"its process died with exit code {code} (negative: a signal)"
        message = message or f"its process ended with exit code {code} before it gave a prediction"
        return task.job.record("failed", message, task.seconds)

    def _judged(self, task: _Running) -> Record | None:
        judge = task.judge
        if judge is None or not (judge.end.poll() or not judge.process.is_alive()):
            return None
        try:
            found = judge.end.recv() if judge.end.poll() else None
        except (EOFError, OSError):
            found = None
        if found is None:
            self.judges.remove(judge)
            judge.process.join()
            return task.job.record("failed", f"its scoring died with exit code {judge.process.exitcode}", task.seconds)
        self.idle.append(judge)
        if isinstance(found, OSError):
            raise found
        if isinstance(found, Damaged):
            self.say(str(found))
            task.judge = None
            self._impute(task)
            return None
        return found

    def _leave(self, task: _Running) -> None:
        """Let go of what a task held; an empty folder for what it learns goes too."""
        if task.reply is not None:
            if task.code is None:
                self._end(task)
            os.close(task.reply.file)
            with suppress(OSError):
                task.job.store.learned_path(task.job.prediction_key).rmdir()
        if task.log is not None:
            os.close(task.log)
