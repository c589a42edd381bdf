"""What is said to somebody whose request cannot be done?"""


class Problem(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
