"""Submits a job, waits for its video and saves it, with nothing but the generated package.

Usage: render_a_video.py URL PORTRAIT SPEECH VIDEO, the key in FARM_KEY. Prints the job's id.
"""

import os
import sys
import time
from pathlib import Path
from typing import TypeVar

from farm_client import AuthenticatedClient
from farm_client.api.jobs import get_job, get_video, submit_job
from farm_client.models import Job, JobDetail, JobSpec, JobStatus, MultipartSubmitRequest
from farm_client.types import File

Answer = TypeVar("Answer")


def expect(kind: type[Answer], answer: object) -> Answer:
    if isinstance(answer, kind):
        return answer
    raise SystemExit(f"expected {kind.__name__}, received {answer!r}")


def submit(client: AuthenticatedClient, portrait: Path, speech: Path) -> Job:
    spec = JobSpec(prompt="A teacher speaks to the camera.", size="256*256", seed=7)
    with portrait.open("rb") as portrait_file, speech.open("rb") as speech_file:
        form = MultipartSubmitRequest(
            spec=spec,
            portrait=File(payload=portrait_file, file_name=portrait.name),
            speech=File(payload=speech_file, file_name=speech.name),
        )
        return expect(Job, submit_job.sync(client=client, body=form, idempotency_key="from-a-generated-client"))


def wait(client: AuthenticatedClient, job_id: str) -> JobDetail:
    while True:
        job = expect(JobDetail, get_job.sync(job_id, client=client))
        if job.status in (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED):
            return job
        time.sleep(0.2)


def main() -> None:
    url, portrait, speech, video = sys.argv[1:]
    client = AuthenticatedClient(base_url=url, token=os.environ["FARM_KEY"])
    job = wait(client, submit(client, Path(portrait), Path(speech)).id)
    if job.status is not JobStatus.SUCCEEDED:
        raise SystemExit(f"the job is {job.status}: {job.error}")
    Path(video).write_bytes(expect(File, get_video.sync(job.id, client=client)).payload.read())
    print(job.id)


if __name__ == "__main__":
    main()
