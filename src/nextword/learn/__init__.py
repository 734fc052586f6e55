"""Learn by building: exercises that end with a GPT-2 of one's own, and a checker that names the very mistake made."""
