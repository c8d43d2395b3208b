import subprocess
import sys

import pytest

from shared.tasks.adjudication import icd10


@pytest.mark.parametrize(
    ("code", "standing"),
    [
        ("M54.50", "billable"),
        ("M54.5", "category"),
        ("M54", "category"),
        ("S72.001A", "billable"),
        ("S72.001", "category"),
        ("B20", "billable"),  # a section has the same name
        ("B99", "category"),  # here too, and it has finer codes
        ("T36.0X1A", "billable"),
        ("M54.51X", "unknown"),
        ("M99.999", "unknown"),
        ("Z99.8", "category"),
    ],
)
def test_standing(code: str, standing: str) -> None:
    assert icd10.standing(code) == standing


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("M54.50", "Low back pain, unspecified"),
        ("A00", "Cholera"),
        ("M99.999", ""),
        (
            "S83.241A",
            "Other tear of medial meniscus, current injury, right knee, initial encounter",
        ),
        ("S01.01XD", "Laceration without foreign body of scalp, subsequent encounter"),
        (
            "QA0.0149",  # a category that does not begin with a letter and a digit
            "Neurodevelopmental disorder, related to pathogenic variant in other synapse related "
            "gene",
        ),
        ("Z99.89", "Dependence on other enabling machines and devices"),
    ],
)
def test_title(code: str, title: str) -> None:
    assert icd10.title(code) == title


@pytest.mark.parametrize(
    ("code", "chapter"),
    [
        ("A00", "Certain infectious and parasitic diseases (A00-B99)"),
        ("C7A.1", "Neoplasms (C00-D49)"),
        ("D50.0", "Diseases of the blood and blood-forming organs"),
        ("M54.50", "Diseases of the musculoskeletal system and connective tissue (M00-M99)"),
        ("O9A.11", "Pregnancy, childbirth and the puerperium (O00-O9A)"),
        ("S83.241A", "Injury, poisoning and certain other consequences of external causes"),
        ("U99.9", ""),
    ],
)
def test_chapter(code: str, chapter: str) -> None:
    found = icd10.chapter(code)
    assert found.startswith(chapter)
    assert bool(found) == bool(chapter)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* is deprecated")
def test_agreement_with_the_library_itself() -> None:
    import simple_icd_10_cm as library

    codes = [code for code in library.get_all_codes() if library.is_category_or_subcategory(code)]
    assert len(codes) > 90_000
    for code in codes[::50]:
        expected = "billable" if library.is_leaf(code) else "category"
        assert icd10.standing(code) == expected, code
    for code in codes[::100]:
        # The library appends notes to some encounters; ours is the official wording alone.
        assert library.get_description(code).startswith(icd10.title(code)), code
        assert icd10.title(code), code


def test_the_library_is_never_loaded() -> None:
    """Importing it costs 170 MB, more than a whole service may use."""
    program = (
        "import sys, shared.tasks\n"
        "from shared.tasks.adjudication import standing\n"
        "task = shared.tasks.get_task('adjudication')\n"
        "standing.complete(task.validate(task.examples[0]))\n"
        "status = open('/proc/self/status').read() if sys.platform == 'linux' else 'VmRSS: 0'\n"
        "print('simple_icd_10_cm' in sys.modules, status.split('VmRSS:')[1].split()[0])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded, resident_kilobytes = run.stdout.split()
    assert loaded == "False"
    assert int(resident_kilobytes) < 70_000
