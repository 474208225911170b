"""The static analyser: source -> facts -> program -> flow -> findings.

Never imports the code that it reads, nor SQLAlchemy.
"""
