"""The board beside a demo, where it can't be."""

from pathlib import Path

from dialler.app.demo_board import board_beside


async def test_a_board_that_does_not_start_says_where_the_reason_is(tmp_path: Path) -> None:
    settings, log = tmp_path / "demo.toml", tmp_path / "board.log"
    settings.write_text('[web]\nlisten = "192.0.2.7:80"\n', encoding="utf-8")
    with board_beside(settings, log=log) as board:
        assert await board.address() == f"none; {log} says why"
    assert "web.listen" in log.read_text(encoding="utf-8")
