"""The model versions that a process has in memory; those on one base model share it.

A version is loaded whole or not at all: whatever goes wrong, those that were there still answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from shared.events import TrainedModel
from shared.models.backend import Backend, BackendOptions
from shared.models.backends.registry import open_backend
from shared.storage.model_registry import ModelCache


@dataclass
class ModelPool:
    """Loads from one thread at a time; `backend_of` and `versions` may be asked from any."""

    cache: ModelCache
    device: str
    open_backend: Callable[[str, BackendOptions], Backend] = open_backend
    _backends: dict[tuple[str, str | None, str], Backend] = field(default_factory=dict)
    _loaded: dict[str, Backend] = field(default_factory=dict)  # by version

    @property
    def versions(self) -> tuple[str, ...]:
        return tuple(self._loaded)

    def backend_of(self, version: str) -> Backend | None:
        """The backend that has this version in memory."""
        return self._loaded.get(version)

    def load(self, model: TrainedModel) -> Backend:
        """Fetch the version and take it into memory, unless it is there already. Blocks.

        `Transient` while object storage is unavailable; any other error means that the version, or
        its base model, cannot be used.
        """
        if model.version not in self._loaded:
            directory = self.cache.adapter(model)
            backend = self._backend(model)
            backend.load(
                model.version, directory, longest_prompt_tokens=model.longest_prompt_tokens
            )
            self._loaded[model.version] = backend
        return self._loaded[model.version]

    def forget(self, version: str) -> Callable[[], None]:
        """From now on nobody is answered by the version. What is returned gives its memory back,
        which waits for the batch that is being scored; the base model stays for the next version.
        """
        backend = self._loaded.pop(version)
        return partial(backend.unload, version)

    def _backend(self, model: TrainedModel) -> Backend:
        key = (model.backend, model.base_model, model.quantization)
        if key not in self._backends:
            options = BackendOptions(
                base=self.cache.base(model.base_model) if model.base_model else None,
                quantization=model.quantization,
                device=self.device,
            )
            self._backends[key] = self.open_backend(model.backend, options)
        return self._backends[key]
