"""Parts that know each other, as those of a chip do, free their memory only once they let go."""


def let_go(*parts: object) -> None:
    """Take from parts all that they hold; they are of no use any more.

    Without this they, and the memories that they hold, stay until Python looks for circles.
    """
    for part in parts:
        vars(part).clear()
