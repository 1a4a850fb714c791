"""The settings: `.env` or the environment, read once, checked, and explained when they are wrong."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.addresses import is_address, parse_id
from bot.errors import SettingsError
from bot.texts import Language

ENV_FILE = "RECADO_ENV_FILE"
"""The environment variable that names another file than `.env`; empty: no file is read."""

EXAMPLE = re.compile(
    r"example|ejemplo|change[-_]?me|your[-_]|verify[-_]?token|xxxx|<|(secret|token)[-_]here|^(tu|mi|my)[-_]",
    re.IGNORECASE,
)
"""What no secret of anybody's own looks like."""

Seconds = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """Every setting of this installation. `.env.example` has one line of explanation for each."""

    model_config = SettingsConfigDict(env_file_encoding="utf-8", extra="ignore", frozen=True)

    redis_url: str = ""
    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    public_url: str = ""
    ui_host: str = "127.0.0.1"
    ui_port: Annotated[int, Field(ge=1, le=65535)] = 7860
    ui_password: SecretStr = SecretStr("")

    llm_provider: str = "ollama"
    llm_model: str = ""
    llm_base_url: Annotated[tuple[str, ...], NoDecode] = ()
    llm_api_key: SecretStr = SecretStr("")
    huggingface_api_key: SecretStr = SecretStr("")
    llm_parallel: Count | None = None
    llm_first_token_timeout: Seconds = 600
    llm_timeout: Seconds = 120
    llm_temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    llm_top_p: Share = 0.9
    llm_repetition_penalty: Annotated[float, Field(ge=1, le=2)] = 1.2
    llm_stop: Annotated[tuple[str, ...], NoDecode] = ()
    turn_seconds: Seconds = 300

    llm_engine: Literal["auto", "batching", "serial"] = "auto"
    llm_device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    llm_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    llm_quantization: Literal["none", "4bit", "8bit", "int8"] = "none"
    llm_attention: Literal["auto", "flash_attention_3", "flash_attention_2", "sdpa", "eager"] = "auto"
    llm_sliding_window: Count | None = None
    llm_offload: Literal["none", "cpu", "disk"] = "none"
    llm_kv_tokens: Count | None = None
    llm_cache_dir: Path | None = None
    llm_revision: str = ""
    llm_adapter: Path | None = None

    llm_vision: Literal["auto", "on", "off"] = "auto"
    transcriber: str = ""
    transcriber_model: str = ""
    transcriber_device: Literal["cpu", "cuda"] = "cpu"
    transcriber_base_url: str = ""
    transcriber_api_key: SecretStr = SecretStr("")

    system_prompt: str = ""
    business_file: Path | None = None

    telegram_bot_token: SecretStr = SecretStr("")
    telegram_webhook_secret: SecretStr = SecretStr("")
    telegram_api_url: str = "https://api.telegram.org"
    telegram_messages_per_second: Rate = 30
    telegram_chat_messages_per_second: Rate = 1
    telegram_group_messages_per_minute: Rate = 20

    whatsapp_token: SecretStr = SecretStr("")
    whatsapp_phone_number_id: str = ""
    whatsapp_app_secret: SecretStr = SecretStr("")
    whatsapp_verify_token: SecretStr = SecretStr("")
    whatsapp_api_url: str = "https://graph.facebook.com/v26.0"
    whatsapp_messages_per_second: Rate = 80
    whatsapp_person_seconds: Seconds = 6
    whatsapp_status_seconds: Seconds = 30
    whatsapp_business_account_id: str = ""
    whatsapp_numbers_file: Path | None = None
    whatsapp_template: str = ""
    whatsapp_hold_seconds: Seconds = 60
    whatsapp_budget: Annotated[float, Field(ge=0)] = 0
    whatsapp_price: Annotated[float, Field(ge=0)] = 0
    budget_action: Literal["notice", "handover"] = "notice"
    owner_chat: str = ""
    handover_hours: Annotated[float, Field(gt=0)] = 12

    worker_concurrency: Count = 16
    debounce_seconds: Annotated[float, Field(ge=0)] = 0.8
    debounce_max_seconds: Annotated[float, Field(ge=0)] = 4
    context_tokens: Count | None = None
    reply_tokens: Count = 512
    history_days: Count = 30
    lease_seconds: Annotated[float, Field(ge=1)] = 15
    drain_seconds: Annotated[float, Field(ge=0)] = 20
    slow_notice_seconds: Seconds = 5
    worker_metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    frequent_answers_hours: Annotated[float, Field(ge=0)] = 0
    access: Literal["open", "list", "pairing"] = "open"
    allowed: Annotated[tuple[str, ...], NoDecode] = ()
    admins: Annotated[tuple[str, ...], NoDecode] = ()
    ai_notice: bool = True
    quota_messages_per_day: Annotated[int, Field(ge=0)] = 0
    quota_tokens_per_day: Annotated[int, Field(ge=0)] = 0

    default_language: Language = "es"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    sentry_dsn: SecretStr = SecretStr("")
    otel_exporter_otlp_endpoint: str = ""

    _key: bytes | None = PrivateAttr(default=None)

    def changed(self, **values: Any) -> Self:
        """A copy in which ``values``, which are not checked, stand instead; its key stays the installation's."""
        copy = self.model_copy(update=values)
        copy._key = self.key()  # noqa: SLF001 - its own
        return copy

    def key(self) -> bytes:
        """A secret that all processes of this installation share and nobody else has, made of its tokens."""
        if self._key is not None:
            return self._key
        tokens = (self.telegram_bot_token, self.whatsapp_token, self.whatsapp_app_secret)
        return hashlib.sha256("\n".join(token.get_secret_value() for token in tokens).encode()).digest()

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any, info: Any) -> Any:
        """``PORT=`` in an env file means: as if the line were not there."""
        if isinstance(value, str) and not value.strip():
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)
        return value

    @field_validator("llm_base_url", mode="before")
    @classmethod
    def _split_urls(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(url.strip().rstrip("/") for url in value.split(",") if url.strip())
        return value

    @field_validator("allowed", "admins", mode="before")
    @classmethod
    def _split_ids(cls, value: Any) -> Any:
        return tuple(one for part in value.split(",") if (one := part.strip())) if isinstance(value, str) else value

    @field_validator("allowed", "admins")
    @classmethod
    def _must_be_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(parse_id(one) for one in value)

    @field_validator("llm_stop", mode="before")
    @classmethod
    def _split_stops(cls, value: Any) -> Any:
        r"""``LLM_STOP=###,\nUser:`` are two texts; the second begins with a new line."""
        if isinstance(value, str):
            return tuple(stop.replace(r"\n", "\n") for stop in value.split(",") if stop)
        return value

    @field_validator(
        "llm_provider", "llm_engine", "llm_device", "llm_dtype", "llm_quantization", "llm_attention", "llm_offload",
        "llm_vision", "transcriber", "transcriber_device", "access", "default_language", "log_format", "budget_action",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator(
        "redis_url", "public_url", "telegram_api_url", "whatsapp_api_url", "llm_base_url", "transcriber_base_url",
        "otel_exporter_otlp_endpoint",
    )  # fmt: skip
    @classmethod
    def _must_be_urls(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for url in [value] if isinstance(value, str) else value:
            if url and not is_address(url):
                raise ValueError("must be a whole address, with a scheme before :// and a host after it")
        return value.rstrip("/") if isinstance(value, str) else value


def load_settings(file: str | None = None, **overrides: Any) -> Settings:
    """Read the settings, of another ``file`` than usual if given ("": of none).

    Raises SettingsError, which names each wrong variable and the way out.
    """
    file = os.environ.get(ENV_FILE, ".env") if file is None else file
    try:
        return Settings(_env_file=file or None, **overrides)
    except ValidationError as error:
        where = f"in {file} or the environment" if file else "in the environment"
        lines = [f"{str(e['loc'][0]).upper()}: {_reason(e)}" for e in error.errors() if e["loc"]]
        raise SettingsError(f"Please correct {where}:\n  " + "\n  ".join(lines)) from None


def _reason(error: Any) -> str:
    """Pydantic's reason in plain words; the value itself is left out, for it may be a secret."""
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def require_secret(name: str, value: SecretStr, minimum: int, way_out: str) -> str:
    """A secret that is there, long enough and not an example's.

    Raises SettingsError naming the variable and the way out.
    """
    secret = value.get_secret_value()
    if not secret:
        raise SettingsError(f"{name} is missing. {way_out}")
    if len(secret) < minimum:
        raise SettingsError(f"{name} has {len(secret)} characters; at least {minimum} are needed. {way_out}")
    if EXAMPLE.search(secret) or len(set(secret)) < 4:
        raise SettingsError(f"{name} still has an example value. {way_out}")
    return secret
