"""Tables of several models side by side, in every format that papers are written in."""
