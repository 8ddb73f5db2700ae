"""Draws the project's illustrated portraits: SVG, turned into pictures by rsvg-convert (librsvg).

    python benchmarks/draft/draw_portraits.py <folder> [name ...]

The same face, in parts, with other proportions, colours, hair and clothes. Coordinates are those of an 832 x 1024
picture; `turn` moves the features sideways, for a face in three-quarter view.
"""

# ruff: noqa: E501 - path data is easier to follow unbroken

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from characters import CHARACTERS, Character

WIDTH, HEIGHT = 832, 1024


def draw(person: Character) -> str:
    parts = [
        _definitions(person),
        '<rect width="832" height="1024" fill="url(#backdrop)"/>',
        _backdrop_lights(),
        f'<g transform="translate(416 1024) scale({person.scale}) translate(-416 -1024)">',
        _hair_behind(person),
        _body(person),
        _head(person),
        _eyes(person),
        _nose(person),
        _mouth(person),
        _hair_in_front(person),
        _extras(person),
        "</g>",
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'
    )


def _definitions(person: Character) -> str:
    def gradient(name: str, stops: str, box: str = "") -> str:
        return f'<radialGradient id="{name}" {box}>{stops}</radialGradient>'

    def stop(at: float, colour: str, opacity: float = 1) -> str:
        return f'<stop offset="{at}" stop-color="{colour}" stop-opacity="{opacity}"/>'

    def blur(name: str, radius: float) -> str:
        return (
            f'<filter id="{name}" x="-60%" y="-60%" width="220%" height="220%">'
            f'<feGaussianBlur stdDeviation="{radius}"/></filter>'
        )

    skin = stop(0, person.skin_light) + stop(0.5, person.skin) + stop(1, person.skin_shadow)
    iris = stop(0, person.iris) + stop(0.75, person.iris) + stop(1, "#120c0a")
    light, dark = person.backdrop
    return (
        "<defs>"
        + gradient("backdrop", stop(0, light) + stop(1, dark), 'cx="0.42" cy="0.36" r="0.85"')
        + gradient("skin", skin, 'cx="0.43" cy="0.40" r="0.78"')
        + gradient("iris", iris, 'cx="0.5" cy="0.62" r="0.55"')
        + gradient("white", stop(0, "#fbf8f4") + stop(0.7, "#efe8e2") + stop(1, "#b9a9a1"), 'cx="0.5" cy="0.6" r="0.6"')
        + "".join(blur(f"blur{radius}", radius) for radius in (1, 2, 4, 8, 14, 26))
        + f'<linearGradient id="cloth" x1="0" y1="0" x2="1" y2="1">{stop(0, person.cloth)}{stop(1, person.cloth_dark)}'
        "</linearGradient>" + f'<linearGradient id="hair" x1="0" y1="0" x2="0.35" y2="1">{stop(0, person.hair_light)}'
        f"{stop(0.3, person.hair)}{stop(1, person.hair_dark)}</linearGradient>"
        + f'<linearGradient id="upperlip" x1="0" y1="0" x2="0" y2="1">{stop(0, person.lips)}{stop(1, person.lips_dark)}'
        "</linearGradient>" + f'<linearGradient id="lowerlip" x1="0" y1="0" x2="0" y2="1">{stop(0, person.lips_dark)}'
        f"{stop(0.25, person.lips)}{stop(1, person.lips)}</linearGradient>"
        f'<clipPath id="face"><path d="{_face_path(person)}"/></clipPath>'
        "</defs>"
    )


def _backdrop_lights() -> str:
    spots = ((120, 180, 90), (720, 260, 120), (650, 90, 60), (90, 560, 70), (760, 610, 80))
    return "".join(
        f'<circle cx="{x}" cy="{y}" r="{r}" fill="#ffffff" opacity="0.16" filter="url(#blur14)"/>' for x, y, r in spots
    )


def _face_path(person: Character) -> str:
    jaw = 96 * person.jaw
    shift = person.turn * 0.35
    left, right = 416 - 150 + shift * 0.2, 416 + 150 + shift * 0.2
    chin = 416 + shift * 1.4
    return (
        f"M{left} 400 C{left - 4} 300 {left + 60} 236 416 236 C{right - 60} 236 {right + 4} 300 {right} 400 "
        f"C{right + 2} 470 {right - 10} 520 {chin + jaw} 590 C{chin + jaw * 0.66} 632 {chin + 38} 656 {chin} 656 "
        f"C{chin - 38} 656 {chin - jaw * 0.66} 632 {chin - jaw} 590 C{left + 10} 520 {left - 2} 470 {left} 400Z"
    )


def _body(person: Character) -> str:
    return (
        '<g transform="translate(0 -62)">'
        f'<path d="M336 560 C338 680 336 730 300 764 L320 860 L512 860 L532 764 C496 730 494 680 496 560Z" '
        f'fill="{person.skin}"/>'
        '<clipPath id="neck"><path d="M336 560 C338 680 336 730 300 764 L320 860 L512 860 L532 764 '
        'C496 730 494 680 496 560Z"/></clipPath><g clip-path="url(#neck)">'
        f'<path d="M310 600 C350 735 480 735 522 600 L545 735 C470 790 360 790 290 735Z" '
        f'fill="{person.skin_shadow}" opacity="1" filter="url(#blur8)"/>'
        f'<path d="M470 560 L540 560 L540 860 L486 860 C500 760 486 700 470 560Z" fill="{person.skin_shadow}" '
        'opacity="0.6" filter="url(#blur14)"/></g>'
        '<path d="M40 1100 C60 880 150 812 304 756 C350 830 482 830 528 756 C682 812 772 880 792 1100Z" '
        'fill="url(#cloth)"/>'
        f'<path d="M304 756 C350 830 482 830 528 756 L546 768 C500 866 332 866 286 768Z" '
        f'fill="{person.cloth_dark}" opacity="0.8"/>'
        f'<path d="M180 1100 C190 980 200 930 236 870" stroke="{person.cloth_dark}" stroke-width="10" fill="none" '
        'opacity="0.6" filter="url(#blur4)"/>'
        f'<path d="M652 1100 C642 980 632 930 596 870" stroke="{person.cloth_dark}" stroke-width="14" fill="none" '
        'opacity="0.7" filter="url(#blur4)"/>'
        f'<path d="M130 880 C180 830 220 810 280 790" stroke="#ffffff" stroke-width="18" fill="none" opacity="0.16" '
        'filter="url(#blur8)"/></g>'
    )


def _head(person: Character) -> str:
    shift = person.turn * 0.35
    ears = "".join(
        f'<ellipse cx="{x}" cy="446" rx="22" ry="46" fill="{person.skin}" opacity="{opacity}"/>'
        f'<ellipse cx="{x}" cy="448" rx="11" ry="28" fill="{person.skin_shadow}" opacity="{0.6 * opacity}" '
        'filter="url(#blur4)"/>'
        for x, opacity in ((264 + shift, 1), (568 - shift, 1 if person.turn < 15 else 0))
    )
    cheeks = "".join(
        f'<ellipse cx="{x + person.turn}" cy="505" rx="46" ry="32" fill="{person.blush}" opacity="0.34" '
        'filter="url(#blur14)"/>'
        for x in (318, 514)
    )
    return (
        ears
        + f'<path d="{_face_path(person)}" fill="url(#skin)"/>'
        + '<g clip-path="url(#face)">'
        + cheeks
        + f'<path d="M566 330 C600 480 560 600 430 668 L620 690 L640 330Z" fill="{person.skin_shadow}" opacity="0.55" '
        'filter="url(#blur26)"/>'
        + f'<path d="M262 420 C262 520 300 600 380 660 L240 680Z" fill="{person.skin_shadow}" opacity="0.35" '
        'filter="url(#blur14)"/>'
        + f'<ellipse cx="{392 + person.turn}" cy="318" rx="84" ry="44" fill="{person.skin_light}" opacity="0.7" '
        'filter="url(#blur26)"/>'
        + f'<ellipse cx="{410 + person.turn * 1.2}" cy="626" rx="34" ry="16" fill="{person.skin_light}" opacity="0.55" '
        'filter="url(#blur8)"/>'
        + f'<rect x="240" y="225" width="352" height="66" fill="{person.hair_dark}" opacity="0.35" '
        'filter="url(#blur14)"/>' + "</g>"
    )


def _eyes(person: Character) -> str:
    return "".join(
        _eye(person, x + person.turn, mirrored=mirrored, squeeze=squeeze)
        for x, mirrored, squeeze in ((349, False, 1.0), (483, True, 1 - person.turn / 170))
    )


def _eye(person: Character, x: float, *, mirrored: bool, squeeze: float) -> str:
    flip = -squeeze if mirrored else squeeze
    look = 3 if mirrored else -3
    almond = "M-42 4 C-30 -18 -4 -26 18 -18 C30 -13 38 -3 42 6 C26 18 4 24 -14 20 C-26 17 -36 12 -42 4Z"
    return (
        f'<g transform="translate({x} 420) scale({flip} 1)">'
        f'<ellipse cx="0" cy="-4" rx="56" ry="36" fill="{person.skin_shadow}" opacity="0.42" filter="url(#blur8)"/>'
        f'<clipPath id="lids{int(x)}"><path d="{almond}"/></clipPath>'
        f'<path d="{almond}" fill="url(#white)"/>'
        f'<g clip-path="url(#lids{int(x)})">'
        f'<circle cx="{look}" cy="-1" r="21" fill="url(#iris)"/><circle cx="{look}" cy="-1" r="9.5" fill="#0b0807"/>'
        f'<path d="M-46 -30 L46 -30 L46 -6 C20 -18 -20 -20 -46 4Z" fill="#2a1712" opacity="0.42" filter="url(#blur4)"/>'
        f'<circle cx="{look + (6 if mirrored else -6)}" cy="-8" r="5" fill="#ffffff" opacity="0.95"/>'
        f'<circle cx="{look - (6 if mirrored else -6)}" cy="7" r="3" fill="#ffffff" opacity="0.35"/></g>'
        f'<path d="M-44 5 C-31 -19 -4 -28 19 -20 C31 -14 39 -4 43 5" stroke="#22130e" '
        f'stroke-width="{3 + 3 * person.lash}" fill="none" stroke-linecap="round"/>'
        f'<path d="M-43 4 C-50 0 -54 -5 -57 -11" stroke="#22130e" stroke-width="{3.4 * person.lash}" fill="none" '
        'stroke-linecap="round"/>'
        f'<path d="M-40 6 C-28 17 4 24 40 8" stroke="{person.skin_shadow}" stroke-width="2.4" fill="none" opacity="0.9"/>'
        f'<path d="M-46 -10 C-28 -35 12 -40 38 -20" stroke="{person.skin_shadow}" stroke-width="3.4" fill="none" '
        'opacity="0.85" filter="url(#blur1)"/>'
        f'<path d="M-40 30 C-18 42 14 40 34 28" stroke="{person.skin_shadow}" stroke-width="4" fill="none" '
        'opacity="0.32" filter="url(#blur2)"/>'
        f'<path d="M-58 -44 C-36 -66 8 -64 46 -46" stroke="{person.brow}" stroke-width="{person.brow_weight}" '
        'fill="none" stroke-linecap="round" opacity="0.9" filter="url(#blur1)"/>'
        "</g>"
    )


def _nose(person: Character) -> str:
    x = 416 + person.turn * 1.35
    return (
        f'<path d="M{x - 26} 400 C{x - 14} 450 {x - 18} 480 {x - 34} 512 C{x - 20} 532 {x + 20} 532 {x + 34} 512 '
        f'C{x + 26} 480 {x + 22} 440 {x + 30} 396Z" fill="{person.skin_shadow}" opacity="0.22" filter="url(#blur8)"/>'
        f'<path d="M{x + 10} 420 C{x + 16} 460 {x + 20} 490 {x + 36} 514 C{x + 26} 530 {x + 10} 534 {x} 532 '
        f'C{x + 12} 500 {x + 6} 460 {x + 10} 420Z" fill="{person.skin_shadow}" opacity="0.55" filter="url(#blur4)"/>'
        f'<path d="M{x - 33} 516 C{x - 28} 534 {x - 12} 524 {x} 534 C{x + 12} 524 {x + 28} 534 {x + 33} 516" '
        f'stroke="{person.skin_shadow}" stroke-width="4" fill="none" opacity="0.9" filter="url(#blur1)"/>'
        f'<ellipse cx="{x - 15}" cy="525" rx="9" ry="4.5" fill="#3a1a14" opacity="0.6" filter="url(#blur1)"/>'
        f'<ellipse cx="{x + 15}" cy="525" rx="9" ry="4.5" fill="#3a1a14" opacity="0.6" filter="url(#blur1)"/>'
        f'<ellipse cx="{x - 3}" cy="503" rx="11" ry="9" fill="{person.skin_light}" opacity="0.85" filter="url(#blur4)"/>'
        f'<path d="M{x - 3} 412 L{x - 3} 480" stroke="{person.skin_light}" stroke-width="10" opacity="0.5" '
        'filter="url(#blur4)" stroke-linecap="round"/>'
    )


def _mouth(person: Character) -> str:
    x, y, h = 416 + person.turn * 1.25, 580, person.lip_height
    gap = 20 * person.smile
    up, low, corner = y - gap * 0.3, y + gap * 0.9, y - 5 - 4 * person.smile
    half = 55 + 8 * person.smile
    inner_up = (
        f"C{x - 26} {up + 2} {x - 10} {up - 2} {x} {up + 4} C{x + 10} {up - 2} {x + 26} {up + 2} {x + half} {corner}"
    )
    inner_low = f"C{x + 26} {low + 3} {x + 12} {low + 6} {x} {low + 6} C{x - 12} {low + 6} {x - 26} {low + 3} {x - half} {corner}"
    teeth = (
        f'<path d="M{x - half} {corner} {inner_up} {inner_low}Z" fill="#3c1214"/>'
        f'<clipPath id="gap"><path d="M{x - half} {corner} {inner_up} {inner_low}Z"/></clipPath>'
        f'<g clip-path="url(#gap)"><path d="M{x - half + 6} {up - 6} L{x + half - 6} {up - 6} L{x + half - 12} {low - 2} '
        f'Q{x} {low + 8} {x - half + 12} {low - 2}Z" fill="#f3ece2"/>'
        + "".join(
            f'<path d="M{x + dx} {up - 6} L{x + dx * 0.96} {low + 6}" stroke="#c9b9ab" stroke-width="1.2" opacity="0.6"/>'
            for dx in (-42, -28, -14, 0, 14, 28, 42)
        )
        + f'<path d="M{x - half} {up - 8} L{x + half} {up - 8} L{x + half} {up + 4} L{x - half} {up + 4}Z" fill="#3c1214" '
        'opacity="0.5" filter="url(#blur4)"/></g>'
        if person.smile
        else ""
    )
    return (
        f'<path d="M{x - 10} 546 C{x - 6} 556 {x - 6} 560 {x - 8} 566 M{x + 10} 546 C{x + 6} 556 {x + 6} 560 {x + 8} 566" '
        f'stroke="{person.skin_shadow}" stroke-width="4" fill="none" opacity="0.4" filter="url(#blur2)"/>'
        f'<ellipse cx="{x}" cy="{low + 32 * h}" rx="36" ry="9" fill="{person.skin_shadow}" opacity="0.6" '
        'filter="url(#blur4)"/>'
        + f'<path d="M{x - half} {corner} C{x - 26} {up - 4} {x + 26} {up - 4} {x + half} {corner} '
        f'C{x + 26} {low + 12} {x - 26} {low + 12} {x - half} {corner}Z" fill="{person.lips_dark}"/>'
        + teeth
        + f'<path d="M{x - half} {corner} C{x - 32} {up - 12 * h} {x - 16} {up - 20 * h} {x} {up - 12 * h} '
        f"C{x + 16} {up - 20 * h} {x + 32} {up - 12 * h} {x + half} {corner} "
        f'C{x + 26} {up + 2} {x + 10} {up - 2} {x} {up + 4} C{x - 10} {up - 2} {x - 26} {up + 2} {x - half} {corner}Z" '
        'fill="url(#upperlip)"/>'
        f'<path d="M{x - half} {corner} '
        f"C{x - 26} {low + 3} {x - 12} {low + 6} {x} {low + 6} C{x + 12} {low + 6} {x + 26} {low + 3} {x + half} {corner} "
        f"C{x + 36} {low + 20 * h} {x + 18} {low + 27 * h} {x} {low + 27 * h} "
        f'C{x - 18} {low + 27 * h} {x - 36} {low + 20 * h} {x - half} {corner}Z" fill="url(#lowerlip)"/>'
        f'<ellipse cx="{x - 6}" cy="{low + 15 * h}" rx="22" ry="5" fill="#ffffff" opacity="0.28" filter="url(#blur2)"/>'
        + (
            f'<path d="M{x - half} {corner} C{x - 26} {up + 2} {x - 10} {up} {x} {up + 4} C{x + 10} {up} {x + 26} {up + 2} '
            f'{x + half} {corner}" stroke="#4c1c1f" stroke-width="3.2" fill="none" stroke-linecap="round" opacity="0.85"/>'
            if not person.smile
            else ""
        )
        + "".join(
            f'<ellipse cx="{x + side * (half + 4)}" cy="{corner + 1}" rx="7" ry="5" fill="{person.skin_shadow}" '
            'opacity="0.7" filter="url(#blur2)"/>'
            for side in (-1, 1)
        )
    )


def _strands(person: Character, curves: tuple[str, ...]) -> str:
    return "".join(
        f'<path d="{curve}" stroke="{colour}" stroke-width="{width}" fill="none" opacity="{opacity}" '
        'filter="url(#blur2)" stroke-linecap="round"/>'
        for curve in curves
        for colour, width, opacity in ((person.hair_dark, 9, 0.45), (person.hair_light, 3.5, 0.55))
    )


def _hair_behind(person: Character) -> str:
    shapes = {
        "bob": "M416 150 C250 146 206 280 212 420 C214 520 200 590 236 660 C290 700 540 700 596 660 "
        "C632 590 618 520 620 420 C626 280 582 146 416 150Z",
        "long": "M416 160 C236 156 200 300 206 440 C208 600 170 760 190 880 C280 930 560 930 642 880 "
        "C662 760 624 600 626 440 C632 300 596 156 416 160Z",
        "curls": "M416 160 C280 140 214 240 214 340 C180 400 200 470 236 500 L596 500 C632 470 652 400 618 340 "
        "C618 240 552 140 416 160Z",
        "short": "M416 186 C290 184 246 280 252 400 L580 400 C586 280 542 184 416 186Z",
    }
    return f'<path d="{shapes[person.hair_style]}" fill="{person.hair_dark}"/>'


def _hair_in_front(person: Character) -> str:
    if person.hair_style == "bob":
        shape = (
            "M380 214 C300 240 262 330 262 430 C258 520 276 580 262 650 C222 640 204 560 210 440 C204 280 250 146 416 146 "
            "C582 146 628 280 622 440 C628 560 610 640 570 650 C556 580 574 520 570 430 C566 340 500 250 380 214Z"
        )
        strands = (
            "M380 206 C290 240 246 340 240 470",
            "M400 190 C300 210 240 300 226 430",
            "M400 206 C520 250 586 340 594 470",
            "M420 186 C540 210 600 300 608 440",
            "M236 480 C240 560 232 600 244 636",
            "M596 480 C592 560 600 600 588 636",
            "M430 170 C520 180 580 240 600 330",
            "M390 170 C310 180 260 230 240 310",
        )
    elif person.hair_style == "long":
        shape = (
            "M430 226 C360 236 282 300 266 420 C262 560 236 700 214 860 C180 760 208 600 208 440 C202 290 250 152 420 152 "
            "C590 152 632 290 626 440 C626 600 654 760 620 860 C596 700 576 560 572 420 C556 320 500 240 430 226Z"
        )
        strands = (
            "M420 200 C320 220 250 310 240 450 C236 600 214 720 206 820",
            "M440 190 C540 220 590 310 596 450 C600 600 616 720 624 820",
            "M400 176 C300 200 236 280 226 420",
            "M440 172 C550 196 600 280 608 420",
            "M250 500 C246 600 232 700 222 800",
            "M588 500 C592 600 602 700 612 800",
        )
    elif person.hair_style == "curls":
        blobs = (
            (262, 300, 52),
            (250, 380, 46),
            (256, 452, 40),
            (300, 238, 60),
            (360, 206, 62),
            (430, 196, 66),
            (500, 214, 60),
            (552, 262, 56),
            (578, 330, 50),
            (584, 410, 44),
            (574, 470, 36),
        )
        return "".join(
            f'<circle cx="{x}" cy="{y}" r="{r}" fill="url(#hair)"/>'
            f'<circle cx="{x - r * 0.2}" cy="{y - r * 0.25}" r="{r * 0.5}" fill="{person.hair_light}" opacity="0.6" '
            'filter="url(#blur8)"/>'
            f'<path d="M{x - r * 0.6} {y + r * 0.3} A{r * 0.7} {r * 0.7} 0 0 0 {x + r * 0.6} {y + r * 0.3}" fill="none" '
            f'stroke="{person.hair_dark}" stroke-width="4" opacity="0.5" filter="url(#blur2)"/>'
            for x, y, r in blobs
        )
    else:
        shape = (
            "M262 400 C258 350 270 320 290 300 C330 262 380 270 430 262 C500 256 540 280 556 320 C568 350 572 370 570 400 "
            "C590 380 596 320 578 270 C556 200 490 176 416 178 C336 176 280 204 256 270 C240 320 244 380 262 400Z"
        )
        strands = (
            "M300 280 C340 240 400 220 460 220",
            "M280 300 C290 250 340 210 400 204",
            "M540 290 C520 250 480 226 430 224",
            "M566 330 C560 270 520 220 470 206",
        )
    return f'<path d="{shape}" fill="url(#hair)"/>' + _strands(person, strands)


def _extras(person: Character) -> str:
    parts = []
    if "glasses" in person.extras:
        parts.append(
            '<g stroke="#5a3a2a" stroke-width="7" fill="#ffffff" fill-opacity="0.07">'
            '<rect x="288" y="378" width="118" height="92" rx="40"/><rect x="426" y="378" width="118" height="92" rx="40"/>'
            '<path d="M406 414 Q416 404 426 414" fill="none"/><path d="M288 410 L262 402 M544 410 L570 402" fill="none"/></g>'
        )
    if "lines" in person.extras:
        lines = (
            "M352 520 C338 540 332 556 334 574",
            "M480 520 C494 540 500 556 498 574",
            "M350 306 C390 298 440 298 482 306",
            "M362 328 C396 320 436 320 470 328",
            "M288 446 C280 452 276 458 274 464",
            "M544 446 C552 452 556 458 558 464",
        )
        parts += [
            f'<path d="{line}" stroke="{person.skin_shadow}" stroke-width="4" fill="none" opacity="0.45" '
            'filter="url(#blur2)" stroke-linecap="round"/>'
            for line in lines
        ]
    if "stubble" in person.extras:
        parts.append(
            f'<g clip-path="url(#face)"><path d="M270 500 C290 620 350 664 416 664 C482 664 542 620 562 500 '
            "C530 560 500 545 470 552 C440 540 392 540 362 552 C332 545 302 560 270 500Z "
            f'M352 566 L480 566 L480 610 L352 610Z" fill-rule="evenodd" fill="{person.hair_dark}" opacity="0.30" '
            'filter="url(#blur8)"/></g>'
        )
    return "".join(parts)


def main() -> None:
    folder = Path(sys.argv[1])
    for name in sys.argv[2:] or CHARACTERS:
        svg = folder / f"{name}.svg"
        svg.write_text(draw(CHARACTERS[name]))
        subprocess.run(["rsvg-convert", str(svg), "-o", str(svg.with_suffix(".png"))], check=True)


if __name__ == "__main__":
    main()
