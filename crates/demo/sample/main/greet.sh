#!/bin/sh
# Greets whom it is told to.
echo "Hello, $1!"
