"""Curves as text and as pictures, from NumPy arrays alone.

`chart.draw` turns lines into rows of styled text, `picture.png` and `picture.svg`
turn rows into images with every braille dot drawn exactly, `figure` draws a vector
plot for a report. Nothing here knows a terminal library or a store, so the command
line and the terminal UI draw with the same code.
"""
