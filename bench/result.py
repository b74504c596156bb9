"""One figure beside the peer's."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """What a bench found; *peer* is None where there was none to run."""

    bench: str
    unit: str
    ours: float
    peer: float | None
    better: str  # "higher" or "lower"
    n: int

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's."""
        return round(self.ours / self.peer, 2) if self.peer else None

    def line(self) -> dict[str, Any]:
        """The form that scripts read."""
        return {
            "bench": self.bench,
            "unit": self.unit,
            "ours": round(self.ours, 1),
            "peer": self.peer,
            "ratio": self.ratio,
            "better": self.better,
            "n": self.n,
        }

    def text(self) -> str:
        """The form that people read."""
        beside = f"  peer {self.peer:,.0f}  ratio {self.ratio}" if self.peer else "  (no peer)"
        return f"{self.bench:<10} {self.ours:>10,.0f} {self.unit:<6}{beside}  n={self.n}"
