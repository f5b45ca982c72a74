"""Train the two adapters: one base model learns to read both sides of a gap, and to read diplomatic papers.

The base model (SmolLM2-135M) gets a low-rank adapter (Hu et al. 2021, arXiv 2106.09685). With `--reading masked` it
reads with full, bidirectional attention and learns masked next-token prediction (LLM2Vec, BehnamGhader et al. 2024,
arXiv 2404.05961): the token at place i is predicted from the hidden state at i - 1, and every masked input is the same
learnt vector. With `--reading causal` it goes on reading from left to right, and learns the language of the domain.

    python -m training.train --base models/weights/smollm2 --texts TEXTS --reading masked --out .cache/training

The run resumes from `state.pt` in that folder and writes `adapter.safetensors` with every checkpoint and one line
of `curve.csv` a report: step, tokens, loss, accuracy, seconds, and with a checkpoint the loss on the same windows of the
development texts, which nothing is trained on. Every KEEP steps a copy of the adapter stays. The learning rate is constant
after the warm-up; `--decay N` brings it to zero over the next N steps and ends the run (warm-up, stable, decay), so that a
run of any length can be finished well.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import math
import random
import re
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = {"frus-train.jsonl.xz": 0.8, "cables-ocr-train.jsonl.xz": 0.2}  # share of windows
DEVELOPMENT, DEVELOPMENT_BATCHES = {"frus-dev.jsonl.xz": 1.0}, 4
RANK, SCALE = 32, 2.0  # the adapter adds SCALE * B @ A to each linear map
WINDOW, BATCH = {"masked": 128, "causal": 256}, {"masked": 12, "causal": 6}  # tokens a window, windows a step
LEARNING_RATE, WARM_UP = {"masked": 6e-4, "causal": 4e-4}, 30  # steps of warm-up
MASKED_SHARE = 0.20  # of the tokens of a window
SPAN_WORDS = {1: 0.58, 2: 0.20, 3: 0.11, 4: 0.07, 5: 0.04}
NOISY_SHARE, NOISY_WORDS = 0.15, 0.06  # windows with engine-like noise; words of them that are hit
CAPITALS_SHARE = 0.12  # windows in telegraphic capitals
CHARS_PER_TOKEN = 7  # of text read for one token of a window: more than it needs
REPORT, SAVE, KEEP = 20, 100, 200  # steps

WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")
LOOKALIKES = {"e": "c", "c": "e", "o": "0", "l": "1", "i": "l", "m": "rn", "n": "u", "u": "n", "h": "b", "b": "h",
              "a": "s", "s": "a", "t": "f", "f": "t", "r": "t", "g": "q", "I": "l", "S": "8", "O": "0", "E": "B"}  # fmt: skip


class LoraLinear(nn.Module):
    """Add a low-rank correction to a frozen linear layer."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.A = nn.Parameter(torch.randn(RANK, base.in_features) / math.sqrt(base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, RANK))

    def forward(self, x: Tensor) -> Tensor:
        corrected: Tensor = self.base(x) + SCALE * (x @ self.A.T.to(x.dtype)) @ self.B.T.to(x.dtype)
        return corrected


class Window(NamedTuple):
    tokens: list[int]
    targets: list[bool]  # what is to be predicted; by the masked reading it is hidden from the model


def add_lora(model: Any) -> None:
    """Freeze the model and wrap every linear layer of its blocks."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for layer in model.model.layers:
        for block, names in ((layer.self_attn, "qkvo"), (layer.mlp, ("gate", "up", "down"))):
            for name in names:
                setattr(block, f"{name}_proj", LoraLinear(getattr(block, f"{name}_proj")))


def read_texts(folder: Path, shares: dict[str, float]) -> list[tuple[float, list[str]]]:
    """Read the texts, with the share of windows each of them gives."""
    sources = []
    for name, share in shares.items():
        with lzma.open(folder / name, "rt", encoding="utf-8") as lines:
            sources.append((share, [" ".join(json.loads(line)["text"].split()) for line in lines]))
    return sources


def noisy(text: str, rng: random.Random) -> tuple[str, list[tuple[int, int]]]:
    """Misread some words the way an engine does; return the text and the places of the hit words."""
    pieces, places, at, length = [], [], 0, 0
    for word in WORD.finditer(text):
        if rng.random() >= NOISY_WORDS:
            continue
        letters = list(word.group())
        place = rng.randrange(len(letters))
        letters[place] = LOOKALIKES.get(letters[place], rng.choice(["", "~", ".", letters[place] * 2]))
        hit = "".join(letters)
        before = text[at : word.start()]
        length += len(before)
        places.append((length, length + len(hit)))
        length += len(hit)
        pieces += [before, hit]
        at = word.end()
    return "".join([*pieces, text[at:]]), places


def choose_spans(text: str, hit: list[tuple[int, int]], rng: random.Random) -> list[tuple[int, int]]:
    """Choose whole-word spans of the text, each with the space before it, until MASKED_SHARE is reached."""
    words = [w.span() for w in WORD.finditer(text)][1:]
    budget, spans, taken = MASKED_SHARE * len(text), list[tuple[int, int]](), set[int]()
    for _ in range(4 * len(words)):
        if budget <= 0 or not words:
            break
        count = rng.choices(list(SPAN_WORDS), list(SPAN_WORDS.values()))[0]
        first = rng.randrange(len(words))
        chosen = range(max(0, first - 1), min(len(words), first + count + 1))
        start, end = words[first][0], words[min(first + count, len(words)) - 1][1]
        if taken.intersection(chosen) or any(a < end and start < b for a, b in hit):
            continue
        taken.update(chosen)
        spans.append((start, end))
        budget -= end - start
    return spans


class Windows:
    """Draw training windows for ever; the same seed gives the same windows."""

    def __init__(self, tokenizer: Any, sources: list[tuple[float, list[str]]], reading: str, seed: int) -> None:
        self.tokenizer, self.rng, self.sources = tokenizer, random.Random(seed), sources
        self.reading, self.size, self.count = reading, WINDOW[reading], BATCH[reading]

    def draw(self) -> Window:
        """Draw one full window with at least one target."""
        while True:
            share = [s for s, _ in self.sources]
            texts = self.rng.choices([t for _, t in self.sources], share)[0]
            text = self.rng.choice(texts)
            length = CHARS_PER_TOKEN * self.size
            start = self.rng.randrange(max(1, len(text) - length // 2))
            window = self.window(text[start : start + length].partition(" ")[2])
            if len(window.tokens) == self.size and any(window.targets):
                return window

    def window(self, text: str) -> Window:
        if self.rng.random() < CAPITALS_SHARE:
            text = text.upper()
        text, hit = noisy(text, self.rng) if self.rng.random() < NOISY_SHARE else (text, [])
        coded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        tokens, offsets = coded["input_ids"][: self.size], coded["offset_mapping"][: self.size]
        if self.reading == "causal":  # noise is never worth learning
            return Window(tokens, [not any(a < e and s < b for a, b in hit) for s, e in offsets])
        text = text[: offsets[-1][1]] if offsets else ""
        spans = choose_spans(text, hit, self.rng)
        return Window(tokens, [any(max(a - 1, 0) <= s and e <= b for a, b in spans) for s, e in offsets])

    def batch(self) -> tuple[Tensor, Tensor]:
        """Return tokens and which of them are targets, both (BATCH, WINDOW)."""
        windows = [self.draw() for _ in range(self.count)]
        return torch.tensor([w.tokens for w in windows]), torch.tensor([w.targets for w in windows])


def causal_loss(model: Any, _mask: Tensor, tokens: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """Return the mean cross-entropy of the targets and the share that is predicted right, left to right."""
    hidden = model.model(input_ids=tokens, use_cache=False).last_hidden_state
    logits = model.lm_head(hidden[:, :-1][targets[:, 1:]]).float()
    truth = tokens[:, 1:][targets[:, 1:]]
    return nn.functional.cross_entropy(logits, truth), float((logits.argmax(-1) == truth).float().mean())


def masked_loss(model: Any, mask: Tensor, tokens: Tensor, masked: Tensor) -> tuple[Tensor, float]:
    """Return the mean cross-entropy of the masked tokens and the share that is predicted right."""
    inputs = model.get_input_embeddings()(tokens)
    inputs = torch.where(masked[..., None], mask.to(inputs.dtype), inputs)
    everywhere = torch.zeros(len(tokens), 1, tokens.shape[1], tokens.shape[1], dtype=inputs.dtype)
    hidden = model.model(inputs_embeds=inputs, attention_mask=everywhere, use_cache=False).last_hidden_state
    logits = model.lm_head(hidden[:, :-1][masked[:, 1:]]).float()
    truth = tokens[:, 1:][masked[:, 1:]]
    return nn.functional.cross_entropy(logits, truth), float((logits.argmax(-1) == truth).float().mean())


LOSSES = {"masked": masked_loss, "causal": causal_loss}


class Training:
    """Hold the adapter, its optimizer and the step count, on disk and in memory."""

    def __init__(self, base: Path, out: Path, reading: str, start: Path | None) -> None:
        self.out, self.reading = out, reading
        self.model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
        add_lora(self.model)
        self.mask = nn.Parameter(self.model.get_input_embeddings().weight.float().mean(0))
        self.parameters = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        if reading == "masked":
            self.parameters["mask_emb"] = self.mask
        rate = LEARNING_RATE[reading]
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=rate, weight_decay=0.0, betas=(0.9, 0.98))
        self.step, self.seconds, self.decay_from = 0, 0.0, 0
        if (out / "state.pt").exists():
            self.resume()
        elif start:
            self.load(load_file(start))

    def load(self, values: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(values[name].float())

    def resume(self) -> None:
        state = torch.load(self.out / "state.pt", weights_only=True)
        self.load(state["parameters"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self) -> None:
        """Write the state to resume from and the adapter as it is now, each at once or not at all."""
        values = {n: p.detach() for n, p in self.parameters.items()}
        state = {"parameters": values, "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds}
        torch.save(state, self.out / "state.part")
        (self.out / "state.part").replace(self.out / "state.pt")
        half = {n: p.to(torch.float16).contiguous() for n, p in values.items()}
        metadata = {"reading": self.reading, "rank": str(RANK), "scale": str(SCALE), "steps": str(self.step)}
        save_file(half, self.out / "adapter.part", metadata)
        (self.out / "adapter.part").replace(self.out / "adapter.safetensors")
        if self.step % KEEP == 0:
            shutil.copyfile(self.out / "adapter.safetensors", self.out / f"adapter-{self.step:06}.safetensors")

    def rate(self, since_resume: int, decay: int | None) -> float:
        """Return the learning rate: warm-up after every start, then constant, then linear to zero."""
        warm = min(1.0, (since_resume + 1) / WARM_UP)
        return LEARNING_RATE[self.reading] * warm * (max(0.0, 1 - since_resume / decay) if decay else 1.0)

    def update(self, tokens: Tensor, targets: Tensor, rate: float) -> tuple[float, float]:
        """Take one optimizer step; return the loss and the accuracy before it."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, right = LOSSES[self.reading](self.model, self.mask, tokens, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return loss.item(), right

    def development_loss(self, batches: list[tuple[Tensor, Tensor]]) -> float:
        with torch.no_grad():
            return float(np.mean([LOSSES[self.reading](self.model, self.mask, *batch)[0].item() for batch in batches]))

    def report(self, losses: list[tuple[float, float]], tokens: int, batches: list[tuple[Tensor, Tensor]]) -> None:
        """Append a line to `curve.csv`, with the loss on the development texts where the step is saved."""
        loss, right = np.mean(losses, axis=0)
        development = f"{self.development_loss(batches):.3f}" if self.step % SAVE == 0 else ""
        row = [self.step, tokens, f"{loss:.3f}", f"{right:.3f}", f"{self.seconds:.0f}", development]
        with (self.out / "curve.csv").open("a", newline="") as curve:
            csv.writer(curve).writerow(row)
        print("step {} tokens {} loss {} right {} seconds {} development {}".format(*row), flush=True)


def train(training: Training, windows: Windows, batches: list[tuple[Tensor, Tensor]], steps: int, decay: int | None) -> None:
    """Run the steps, reporting to `curve.csv` and saving on the way; `batches` are those of the development texts."""
    losses: list[tuple[float, float]] = []
    for since_resume in range(decay or steps):
        started = time.time()
        losses.append(training.update(*windows.batch(), training.rate(since_resume, decay)))
        training.seconds += time.time() - started
        if training.step % REPORT == 0:
            training.report(losses, training.step * windows.size * windows.count, batches)
            losses.clear()
        if training.step % SAVE == 0:
            training.save()
    training.save()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--base", type=Path, required=True, help="folder of the base model")
    options.add_argument("--texts", type=Path, required=True, help="folder with " + " and ".join(TEXTS))
    options.add_argument("--reading", choices=LOSSES, default="masked")
    options.add_argument("--out", type=Path, default=Path(".cache/training"))
    options.add_argument("--start", type=Path, help="adapter to start from")
    options.add_argument("--steps", type=int, default=100_000)
    options.add_argument("--decay", type=int, help="finish: bring the learning rate to zero over so many steps")
    chosen = options.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    training = Training(chosen.base, chosen.out, chosen.reading, chosen.start)
    tokenizer = AutoTokenizer.from_pretrained(chosen.base)
    windows = Windows(tokenizer, read_texts(chosen.texts, TEXTS), chosen.reading, seed=training.step)
    development = Windows(tokenizer, read_texts(chosen.texts, DEVELOPMENT), chosen.reading, seed=0)
    train(training, windows, [development.batch() for _ in range(DEVELOPMENT_BATCHES)], chosen.steps, chosen.decay)


if __name__ == "__main__":
    main()
