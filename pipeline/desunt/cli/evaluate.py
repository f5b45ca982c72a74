"""`desunt evaluate`: the commands that measure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from desunt.cli.options import Json, Model, Rescore, Vouch
from desunt.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Measure reading and conjectures against ground truth.")

TruthFolder = Annotated[Path, typer.Argument(help="Images with ground truth beside them.")]
Plots = Annotated[Path | None, typer.Option(help="Write plots (SVG) into this folder.")]


def _print(text: str, plots: Iterable[Path] = ()) -> None:
    for path in plots:
        typer.echo(path, err=True)
    typer.echo(text)


@app.command("ocr")
def ocr(folder: TruthFolder, vouch: Vouch = None, plots: Plots = None, as_json: Json = False) -> None:
    """Measure the reading against ground truth, plain Tesseract beside it in the same run."""
    from desunt.evaluate.ocr.measure import evaluate_ocr
    from desunt.evaluate.ocr.report import draw, format_report, report_json
    from desunt.run.workflow import read_pages
    from desunt.settings import read_settings

    settings = read_settings(vouch=vouch)
    report = evaluate_ocr(folder, lambda path: read_pages(path, settings), vouch=settings.vouch)
    drawn = draw(report, plots) if plots else ()
    _print(json.dumps(report_json(report), indent=1) if as_json else format_report(report), drawn)


@app.command("detection")
@app.command("gaps-found")
def detection(folder: TruthFolder, vouch: Vouch = None, plots: Plots = None, as_json: Json = False) -> None:
    """Measure how well misread words are found, the engine's own confidence beside it in the same run."""
    from desunt.evaluate.detection.measure import evaluate_detection, tesseract_words
    from desunt.evaluate.detection.report import draw, format_report, report_json
    from desunt.run.workflow import read_pages
    from desunt.settings import read_settings

    settings = read_settings(vouch=vouch)
    report = evaluate_detection(folder, lambda path: read_pages(path, settings), tesseract_words, vouch=settings.vouch)
    drawn = draw(report, plots) if plots else ()
    _print(json.dumps(report_json(report), indent=1) if as_json else format_report(report), drawn)


@app.command("recovery")
def recovery(
    folder: TruthFolder,
    false_alarms: Annotated[
        float,
        typer.Option(help="Share of right words that may become gaps; 0: only what the reading threshold makes gaps of.", min=0, max=1),
    ] = 0.05,
    baselines: Annotated[bool, typer.Option("--baselines", help="Put the same gaps to counted phrases too.")] = False,
    limit: Annotated[int | None, typer.Option(help="Only so many images.", min=1)] = None,
    out: Annotated[Path | None, typer.Option(help="Write each page to this file as it is done.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the pages that --out holds, do the others.")] = False,
    plots: Plots = None,
    model: Model = None,
    rescore: Rescore = None,
    as_json: Json = False,
) -> None:
    """Measure how many misread words an editor gets back from the candidates, and what is left of the errors."""
    if resume and out is None:
        raise UsageError("--resume needs --out", remedy="Name the file with the pages that are there")
    from desunt.cli.progress import evaluation_progress
    from desunt.evaluate.recovery.measure import measure
    from desunt.evaluate.recovery.page_cache_file import PageCacheFile
    from desunt.evaluate.recovery.report import draw, format_report, report_json
    from desunt.evaluate.recovery.run import default_reader, evaluate_recovery, find_images
    from desunt.evaluate.recovery.systems import page_systems
    from desunt.settings import read_settings

    settings = read_settings(model=model, rescore=rescore)
    images, cache = find_images(folder, settings, limit), PageCacheFile(out, resume=resume)
    reader, systems = default_reader(settings), page_systems(settings, baselines=baselines)
    with evaluation_progress() as on_progress:
        recovered = evaluate_recovery(folder, images, reader, systems, cache, max_fpr=false_alarms, on_progress=on_progress)
    report = measure(recovered)
    drawn = draw(recovered, report, plots) if plots else ()
    _print(json.dumps(report_json(report), indent=1) if as_json else format_report(report), drawn)


@app.command("withheld")
def redactions(
    folder: Annotated[Path, typer.Argument(help="Images of pages.")],
    marks: Annotated[Path, typer.Option(help="JSON file with the redactions that a person marked on them.")],
    as_json: Json = False,
) -> None:
    """Measure how many redactions are found where a person marked them, and how many where there are none."""
    from desunt.cli.progress import evaluation_progress
    from desunt.evaluate.redactions import evaluate_redactions, format_scores, read_marks, scores_json
    from desunt.run.workflow import read_pages
    from desunt.settings import read_settings

    settings, marked = read_settings(), read_marks(marks)
    with evaluation_progress() as on_progress:
        scores = evaluate_redactions(folder, marked, lambda path: read_pages(path, settings), on_progress)
    _print(json.dumps(scores_json(scores), indent=1) if as_json else format_scores(scores))


@app.command("gaps")
def conjectures(
    files: Annotated[list[Path], typer.Argument(help="JSON lines of gaps with their answers.")],
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only so many gaps a task.", min=1)] = None,
    split: Annotated[
        str, typer.Option(help="all, dev (fitting), or test (held-out): gaps of documents that nothing was fitted on.")
    ] = "all",
    baselines: Annotated[bool, typer.Option("--baselines", help="Put the same gaps to the baselines.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write each answer to this file as it comes.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the answers that --out holds, ask for the others.")] = False,
    answers: Annotated[
        list[Path] | None, typer.Option("--answers", "--from", help="Measure the answers in this file; ask for none.")
    ] = None,
    plots: Plots = None,
    model: Model = None,
    rescore: Rescore = None,
    as_json: Json = False,
) -> None:
    """Measure conjectures against the true words: hits, calibration, refusals."""
    if answers and (baselines or out or resume or model is not None or rescore is not None):
        raise UsageError("--answers asks for nothing", remedy="Leave --baselines, --out, --resume, --model and --rescore out")
    if resume and out is None:
        raise UsageError("--resume needs --out", remedy="Name the file with the answers that are there")
    from desunt.evaluate.conjectures.plots import draw
    from desunt.evaluate.conjectures.report import format_report, report_json
    from desunt.evaluate.conjectures.run import Selection, evaluate_conjectures, ids_of, load_answers, select, summarise
    from desunt.evaluate.split import parse_split
    from desunt.settings import read_settings

    lines = select(files, Selection(task, limit, parse_split(split)))
    if answers:
        answered = load_answers(lines, answers, ids_of(files))
    else:
        from desunt.cli.progress import evaluation_progress

        settings = read_settings(model=model, rescore=rescore)
        with evaluation_progress() as on_progress:
            answered = evaluate_conjectures(lines, settings, baselines=baselines, out=out, resume=resume, on_progress=on_progress)
    drawn, report = draw(answered, plots) if plots else (), summarise(answered)
    _print(report_json(report) if as_json else format_report(report), drawn)
