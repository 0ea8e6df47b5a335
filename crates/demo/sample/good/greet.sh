#!/bin/sh
# Greets whom it is told to, or else the world.
echo "Hello, ${1:-world}!"
