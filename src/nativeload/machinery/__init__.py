"""The finders there are, in the order of the chain. Each proposes candidates; `nativeload.abi` judges them all."""

from nativeload.loader import SYSTEM
from nativeload.machinery.loaded import LoadedFinder
from nativeload.machinery.override import OverrideFinder
from nativeload.machinery.wheel import WheelFinder

TYPE_CHECKING = False
if TYPE_CHECKING or SYSTEM is None:
    from nativeload.machinery.prefix import PrefixFinder
    from nativeload.machinery.system import SystemFinder
else:
    from nativeload.systems.finders import PrefixFinder, SystemFinder

__all__ = ["LoadedFinder", "OverrideFinder", "PrefixFinder", "SystemFinder", "WheelFinder"]
