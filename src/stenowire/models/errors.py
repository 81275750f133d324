"""What can go wrong with model files.

ModelUnavailable      the files are not here and could not be fetched
└── ModelDamaged      bytes were found or fetched, and they are not the ones that the manifest promises
"""

from stenowire.errors import ServiceUnavailable


class ModelUnavailable(ServiceUnavailable):
    """One clear line for people: which model, what failed, and what to do where that is known."""

    retryable = False


class ModelDamaged(ModelUnavailable):
    """The message gives the expected and the found checksum or size."""
