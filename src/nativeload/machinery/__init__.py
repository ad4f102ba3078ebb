"""The finders there are, in the order of the chain. Each proposes candidates; `nativeload.abi` judges them all."""

from nativeload.machinery.loaded import LoadedFinder
from nativeload.machinery.override import OverrideFinder
from nativeload.machinery.prefix import PrefixFinder
from nativeload.machinery.system import SystemFinder
from nativeload.machinery.wheel import WheelFinder

__all__ = ["LoadedFinder", "OverrideFinder", "PrefixFinder", "SystemFinder", "WheelFinder"]
