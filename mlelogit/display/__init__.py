"""Tables of a fit as text, HTML, LaTeX and Markdown."""
