"""Models that solve problems: what they are asked, how they answer, and what of an answer is the program."""
