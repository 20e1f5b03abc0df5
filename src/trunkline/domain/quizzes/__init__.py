"""Live quizzes: who may answer, what a question's end makes of the answers, who is still in."""
