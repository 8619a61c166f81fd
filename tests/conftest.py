"""What all tests share: where there is no screen, pictures are drawn without one."""

from shopfloor.study.entry import draw_without_screen

draw_without_screen()  # before any test imports mujoco
