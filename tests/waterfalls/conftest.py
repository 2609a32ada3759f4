"""Where native code of random deals is kept."""

import pytest

from waterfalls.engines import compiled


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory):
    """Nowhere else."""
    place = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "folder", lambda: place)
        yield
