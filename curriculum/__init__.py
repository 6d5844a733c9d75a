"""Lessons and exercises as objects: plan, rules, releases, the learner's workspace, the kit."""
