"""Every mutation of the liveavatar engine's data path."""

from tests.mutations.checkpoints import CHECKPOINTS
from tests.mutations.pictures import PICTURES
from tests.mutations.sampling import SAMPLING
from tests.mutations.speech_and_text import SPEECH_AND_TEXT
from tests.mutations.transformer import TRANSFORMER

MUTATIONS = [*PICTURES, *SPEECH_AND_TEXT, *CHECKPOINTS, *SAMPLING, *TRANSFORMER]
