"""Live quizzes in rooms: asking, answering, deadlines, results."""
