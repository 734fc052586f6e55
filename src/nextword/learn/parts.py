"""What the files parts.py and __init__.py of a learner's folder import, in every version of nextword."""

from nextword.learn.course.parts import LearnersParts

__all__ = ["LearnersParts"]
