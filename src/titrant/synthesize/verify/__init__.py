"""Verification: which solutions are right, what their tests are worth, and a wrong copy of each right one.

Programs are executed in the sandbox alone, and what they answer is compared outside it, where expected results stay.
"""
