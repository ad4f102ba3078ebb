"""What PyInstaller adds to a program that imports nativeload. Libraries that only the catalog knows are not in it."""

from PyInstaller.utils.hooks import collect_data_files, copy_metadata

from nativeload import _pyinstaller

hiddenimports = _pyinstaller.hidden()
datas = [*collect_data_files("nativeload"), *_pyinstaller.required()]
binaries = []
for distribution, files, libraries in _pyinstaller.provided():
    datas += [*copy_metadata(distribution.label), *files]
    binaries += libraries
