"""A pen's marks beside type; located, never transcribed."""

from __future__ import annotations

import numpy as np

from desunt.ocr.layout.handwriting_blocks import MAX_PEN_FILL
from desunt.ocr.layout.type_metrics import TypeMetrics
from desunt.ocr.preprocessing.ink import Components, InkMask
from desunt.record.document import Box

# A component is a speck up to this share of a letter's box (advance times height); a wider one is a frame or a fold, and tells nothing; a
# wider box may be type with a pen across.
MAX_SPECK_AREA, MAX_PEN_WIDTH_LETTERS = 0.02, 20
# A typed letter in heights and advances of the type; a pen's brackets round typed words hold some.
TYPED_HEIGHT, TYPED_WIDTH, MIN_TYPED_LETTERS = (0.6, 1.2), (0.4, 1.3), 3
# Beside type a pen's strokes are thin, and higher than its letters: so were 36 misread marks of 38 pages that stand in no typed line, and
# 4 typed words. In shares of the strokes' boxes and of the whole box that are ink, and in heights of the type.
MAX_STROKE_FILL, MAX_BOX_FILL, MIN_BOX_HEIGHT, MIN_STROKE_HEIGHT = 0.26, 0.2, 1.4, 1.15
# Of missed text: mean height in heights of the type, mean width in letters, and the share of their boxes that the strokes fill.
MISSED_HEIGHT, MAX_MISSED_WIDTH_LETTERS, MISSED_FILL = (1.4, 9.0), 30, (0.07, 0.22)


def is_handwritten(ink: InkMask, box: Box, metrics: TypeMetrics) -> bool:
    """Tell whether what stands in a box beside type is rather a pen's."""
    strokes = ink.components[np.unique(ink.labels_in(box))]
    if _count_typed_letters(strokes, metrics) >= MIN_TYPED_LETTERS:
        return False
    width, area = strokes[:, 2], strokes[:, 4]
    strokes = strokes[(area > MAX_SPECK_AREA * metrics.height * metrics.advance) & (width < MAX_PEN_WIDTH_LETTERS * metrics.advance)]
    if not len(strokes) or ink.share(box) >= MAX_BOX_FILL or box.width > MAX_PEN_WIDTH_LETTERS * metrics.advance:
        return False
    width, height, area = (strokes[:, column] for column in (2, 3, 4))
    stroke_height = float(np.average(height, weights=area))
    is_tall = box.height >= MIN_BOX_HEIGHT * metrics.height or stroke_height >= MIN_STROKE_HEIGHT * metrics.height
    return is_tall and bool(area.sum() < MAX_STROKE_FILL * (width * height).sum())


def _count_typed_letters(components: Components, metrics: TypeMetrics) -> int:
    width, height, area = (components[:, column] for column in (2, 3, 4))
    low, high = (share * metrics.height for share in TYPED_HEIGHT)
    narrow, wide = (share * metrics.advance for share in TYPED_WIDTH)
    is_typed = (height >= low) & (height <= high) & (width >= narrow) & (width <= wide) & (area >= MAX_PEN_FILL * width * height)
    return int(is_typed.sum())


def is_pen_stroke(components: Components, metrics: TypeMetrics) -> bool:
    """Tell whether ink that was passed over is rather a pen's than type's: joined, thin, and higher than letters.

    Engraved script is a pen's too; what is much higher is a frame, a picture or a stamp.
    """
    strokes = components[components[:, 4] > MAX_SPECK_AREA * metrics.height * metrics.advance]
    if not len(strokes):
        return False
    width, height, area = (strokes[:, column] for column in (2, 3, 4))
    fill, mean_height, mean_width = area.sum() / (width * height).sum(), np.average(height, weights=area), np.average(width, weights=area)
    is_high = MISSED_HEIGHT[0] <= mean_height / metrics.height <= MISSED_HEIGHT[1]
    is_thin = MISSED_FILL[0] <= fill <= MISSED_FILL[1]
    return bool(is_high and is_thin and mean_width < MAX_MISSED_WIDTH_LETTERS * metrics.advance)
