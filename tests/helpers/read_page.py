"""A report's page, built and read back."""

import html.parser

from elf_keras.reports import page


class Reader(html.parser.HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def build(*views, **extras):
    """Text of the page, its tags and words, and the figures drawn."""
    extras = {"searches": {}, "exports": {}} | extras
    text, drawn = page.build(list(views), **extras)
    read = Reader(text)
    assert read.open == []
    return text, read, drawn
