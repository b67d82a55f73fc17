"""`trackerlite demo`: small models trained for real, to have something live to look at.

text    the standard library's own source, as integers, split into train and validation
model   a next-character network in NumPy, with its gradient, and Adam
train   the training script: what a user would write, logging included
runs    the settings to compare, and the processes that train them
"""
