"""Who is drawn: proportions, colours, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Character:
    skin: str
    skin_shadow: str
    skin_light: str
    blush: str
    hair: str
    hair_dark: str
    hair_light: str
    iris: str
    lips: str
    lips_dark: str
    brow: str
    cloth: str
    cloth_dark: str
    backdrop: tuple[str, str]
    hair_style: str
    jaw: float = 1.0
    """Width of the jaw: 1 is soft, 1.12 square."""
    lip_height: float = 1.0
    lash: float = 1.0
    brow_weight: float = 13.0
    turn: float = 0.0
    smile: float = 0.0
    """0 closed lips, 1 an open smile with teeth."""
    extras: tuple[str, ...] = field(default_factory=tuple)
    scale: float = 1.0
    """Size of the person in the picture."""


CHARACTERS = {
    "teacher": Character(
        skin="#e9b592",
        skin_shadow="#b9755a",
        skin_light="#f8d6ba",
        blush="#dd7f6c",
        hair="#5a3424",
        hair_dark="#331b13",
        hair_light="#96603f",
        iris="#54743c",
        lips="#c2625d",
        lips_dark="#8a3540",
        brow="#4a2a1d",
        cloth="#2f5d6b",
        cloth_dark="#1d3d49",
        backdrop=("#e9dfd0", "#b9a78f"),
        hair_style="bob",
    ),
    "engineer": Character(
        skin="#9a6140",
        skin_shadow="#5f3420",
        skin_light="#c08a63",
        blush="#a4523a",
        hair="#1f1714",
        hair_dark="#0f0a09",
        hair_light="#4a3a33",
        iris="#3a2416",
        lips="#99544c",
        lips_dark="#5a2a2b",
        brow="#1a1210",
        cloth="#d8b04a",
        cloth_dark="#a47e2a",
        backdrop=("#cfdbe2", "#7e98a8"),
        hair_style="short",
        jaw=1.12,
        lip_height=1.1,
        lash=0.3,
        brow_weight=18,
        extras=("stubble",),
    ),
    "grandmother": Character(
        skin="#efc4a8",
        skin_shadow="#bf8468",
        skin_light="#fbe2cd",
        blush="#dd8c7c",
        hair="#cfcdca",
        hair_dark="#9b9895",
        hair_light="#f3f2f0",
        iris="#5b7f9c",
        lips="#bd6e68",
        lips_dark="#8d4547",
        brow="#a9a29c",
        cloth="#7d5a86",
        cloth_dark="#553a5e",
        backdrop=("#dfe5d6", "#98a887"),
        hair_style="curls",
        lip_height=0.8,
        lash=0.5,
        brow_weight=10,
        extras=("glasses", "lines"),
        smile=0.0,
    ),
    "student": Character(
        skin="#dca67c",
        skin_shadow="#a86a48",
        skin_light="#f3cda7",
        blush="#d0705a",
        hair="#15151c",
        hair_dark="#08080c",
        hair_light="#3d3f52",
        iris="#2b1c14",
        lips="#c0605c",
        lips_dark="#7e3338",
        brow="#15131a",
        cloth="#b4433f",
        cloth_dark="#7c2a29",
        backdrop=("#d9d3ea", "#8d83ad"),
        hair_style="long",
        turn=26,
        smile=1.0,
    ),
}
