#!/bin/sh
# Greets whom it is told to.
echo "Bonjour, $1!"
