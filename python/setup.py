"""Builds the compiled part from the C++ client library, which is a few source files.

In the repository they are where they belong; a source distribution carries copies of them under
native/, so that it builds by itself.
"""

import os
import shutil
from glob import glob

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

try:
    from wheel.bdist_wheel import bdist_wheel
except ImportError:
    from setuptools.command.bdist_wheel import bdist_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
COPIED = os.path.join(HERE, "native")
ROOT = COPIED if os.path.isdir(COPIED) else os.path.dirname(HERE)

#: What the compiled part consists of, relative to the repository.
SOURCES = ["client/*.cpp", "client/codec/*.cpp", "tls/*.cpp", "protocol/names.cpp", "protocol/session_wire.cpp"]
HEADERS = ["client/*.hpp", "client/codec/*.hpp", "client/include/spread/*.hpp", "tls/*.hpp",
           "protocol/*.hpp"]


def files(patterns):
    return sorted(name for pattern in patterns for name in glob(os.path.join(ROOT, pattern)))


class BuildExt(build_ext):
    """C++20, and nothing of the library visible outside."""

    def build_extension(self, ext):
        ext.extra_compile_args += ["-std=c++20", "-fvisibility=hidden"]
        super().build_extension(ext)


class Sdist(sdist):
    """With the sources of the library."""

    def make_release_tree(self, base_dir, files_in_tree):
        super().make_release_tree(base_dir, files_in_tree)
        for name in files(SOURCES + HEADERS):
            target = os.path.join(base_dir, "native", os.path.relpath(name, ROOT))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(name, target)


class BdistWheel(bdist_wheel):
    """One wheel for this and all later versions of Python."""

    def get_tag(self):
        python, abi, platform = super().get_tag()
        return ("cp39", "abi3", platform) if python.startswith("cp") else (python, abi, platform)


setup(
    package_dir={"": "src"},
    packages=["spread"],
    package_data={"spread": ["py.typed", "*.pyi"]},
    ext_modules=[
        Extension(
            "spread._spread",
            sources=[os.path.relpath(name, HERE)
                     for name in [os.path.join(HERE, "src/spread/_spread.cpp"), *files(SOURCES)]],
            include_dirs=[ROOT, os.path.join(ROOT, "client/include")],
            libraries=["ssl", "crypto"],
            define_macros=[("Py_LIMITED_API", "0x03090000")],
            py_limited_api=True,
            language="c++",
        )
    ],
    cmdclass={"build_ext": BuildExt, "sdist": Sdist, "bdist_wheel": BdistWheel},
)
