"""The product's settings with poison in the engine. Used by the processes that a test breaks."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as _PRODUCT

INSTALLED_APPS = [*_PRODUCT, "tests.faults.poison.PoisonConfig"]
