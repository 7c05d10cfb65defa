"""MCP: what the service knows, for assistants, as tools of the Model Context Protocol.

Answers are short texts within a budget of tokens. They come from a service over its HTTP API, or from the folder of a
service, which is only read. Texts of logs and of people are quoted, and the assistant hears that they are data. Read
``server`` first.
"""
