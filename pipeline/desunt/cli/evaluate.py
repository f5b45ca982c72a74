"""`desunt evaluate`: the commands that measure, and the flags that other commands share with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from desunt.errors import UsageError

evaluation = typer.Typer(no_args_is_help=True, help="Measure reading and conjectures against ground truth.")

Plots = Annotated[Path | None, typer.Option(help="Write plots (SVG) into this folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print for a program.")]
Model = Annotated[str | None, typer.Option(help="`embedded`, or a Hugging Face masked language model by name or folder.")]
Rescore = Annotated[bool | None, typer.Option(help="Re-score a masked model's proposals by the two-sided causal reading.")]


@evaluation.command("ocr")
def reading(
    folder: Annotated[Path, typer.Argument(help="Images with ground truth beside them.")],
    vouch: Annotated[float | None, typer.Option(help="Words at least this legible are vouched for [0.9].")] = None,
    plots: Plots = None,
    as_json: Json = False,
) -> None:
    """Measure the reading against ground truth, plain Tesseract beside it in the same run."""
    from desunt.evaluate.ocr.measure import evaluate_ocr
    from desunt.evaluate.ocr.report import draw, format_report, report_json
    from desunt.run import workflow
    from desunt.settings import read_settings

    settings = read_settings(vouch=vouch)
    report = evaluate_ocr(folder, lambda path: workflow.read_pages(path, settings), vouch=settings.vouch)
    for path in draw(report, plots) if plots else ():
        typer.echo(path, err=True)
    typer.echo(json.dumps(report_json(report), indent=1) if as_json else format_report(report))


@evaluation.command("gaps-found")
def misread(
    folder: Annotated[Path, typer.Argument(help="Images with ground truth beside them.")],
    vouch: Annotated[float | None, typer.Option(help="Words less legible than this are flagged [0.9].")] = None,
    plots: Plots = None,
    as_json: Json = False,
) -> None:
    """Measure how well misread words are found, the engine's own confidence beside it in the same run."""
    from desunt.evaluate.detection import measure as found
    from desunt.evaluate.detection import report as found_report
    from desunt.run import workflow
    from desunt.settings import read_settings

    settings = read_settings(vouch=vouch)
    report = found.evaluate_found(folder, lambda path: workflow.read_pages(path, settings), found.tesseract_words, vouch=settings.vouch)
    for path in found_report.draw(report, plots) if plots else ():
        typer.echo(path, err=True)
    typer.echo(json.dumps(found_report.as_json(report), indent=1) if as_json else found_report.format_report(report))


@evaluation.command("recovery")
def recovered(
    folder: Annotated[Path, typer.Argument(help="Images with ground truth beside them.")],
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
    from desunt.cli.progress import counting
    from desunt.evaluate.recovery import report as recovery_report
    from desunt.evaluate.recovery import run as recovery
    from desunt.evaluate.recovery.measure import measure
    from desunt.evaluate.recovery.resume_file import PageLines
    from desunt.evaluate.recovery.systems import askers_of
    from desunt.settings import read_settings

    settings = read_settings(model=model, rescore=rescore)
    images, kept = recovery.find_images(folder, settings, limit), PageLines(out, resume=resume)
    reader, askers = recovery.reader_of(settings), askers_of(settings, baselines=baselines)
    with counting() as watch:
        done = recovery.evaluate_recovery(folder, images, reader, askers, kept, alarms=false_alarms, watch=watch)
    report = measure(done)
    for path in recovery_report.draw(done, report, plots) if plots else ():
        typer.echo(path, err=True)
    typer.echo(json.dumps(recovery_report.as_json(report), indent=1) if as_json else recovery_report.format_report(report))


@evaluation.command("withheld")
def redactions(
    folder: Annotated[Path, typer.Argument(help="Images of pages.")],
    marks: Annotated[Path, typer.Option(help="JSON file with the redactions that a person marked on them.")],
    as_json: Json = False,
) -> None:
    """Measure how many redactions are found where a person marked them, and how many where there are none."""
    from desunt.cli.progress import counting
    from desunt.evaluate import redactions as withheld
    from desunt.run import workflow
    from desunt.settings import read_settings

    settings, marked = read_settings(), withheld.read_marks(marks)
    with counting() as watch:
        scores = withheld.evaluate_withheld(folder, marked, lambda path: workflow.read_pages(path, settings), watch)
    typer.echo(json.dumps(withheld.scores_json(scores), indent=1) if as_json else withheld.format_scores(scores))


@evaluation.command("gaps")
def conjectures(
    files: Annotated[list[Path], typer.Argument(help="JSON lines of gaps with their answers.")],
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only so many gaps a task.", min=1)] = None,
    split: Annotated[str, typer.Option(help="all, fitting, or held-out: gaps of documents that nothing was fitted on.")] = "all",
    baselines: Annotated[bool, typer.Option("--baselines", help="Put the same gaps to the baselines.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write each answer to this file as it comes.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the answers that --out holds, ask for the others.")] = False,
    answers: Annotated[list[Path] | None, typer.Option("--from", help="Measure the answers in this file; ask for none.")] = None,
    plots: Plots = None,
    model: Model = None,
    rescore: Rescore = None,
    as_json: Json = False,
) -> None:
    """Measure conjectures against the true words: hits, calibration, refusals."""
    if answers and (baselines or out or resume or model is not None or rescore is not None):
        raise UsageError("--from asks for nothing", remedy="Leave --baselines, --out, --resume, --model and --rescore out")
    if resume and out is None:
        raise UsageError("--resume needs --out", remedy="Name the file with the answers that are there")
    from desunt.evaluate.conjectures import plots as gap_plots
    from desunt.evaluate.conjectures import report as gap_report
    from desunt.evaluate.conjectures import run as gaps
    from desunt.evaluate.split import split_named
    from desunt.settings import read_settings

    lines = gaps.select(files, gaps.Selection(task, limit, split_named(split)))
    if answers:
        answered = gaps.join(lines, answers, gaps.ids_of(files))
    else:
        from desunt.cli.progress import counting

        settings = read_settings(model=model, rescore=rescore)
        with counting() as watch:
            answered = gaps.run(lines, settings, against=baselines, out=out, resume=resume, watch=watch)
    for path in gap_plots.draw(answered, plots) if plots else ():
        typer.echo(path, err=True)
    report = gaps.measure(answered)
    typer.echo(gap_report.as_json(report) if as_json else gap_report.format_report(report))
