"""What the dashboards show, in both languages, from the metrics of the receiver and the workers."""  # noqa: INP001 - beside a script

from __future__ import annotations

Words = tuple[str, str]
"""English and Spanish."""
Query = tuple[str, str]
"""An expression, and how its lines are named: in one way, or as English|Spanish."""

EVERY = "$__rate_interval"
AGENT = "{{channel}} · {{backend}}"


def share(percent: int, metric: str, labels: str) -> str:
    """What so many per cent of a histogram's values stay below."""
    return f"histogram_quantile(0.{percent}, sum by (le, {labels}) (rate({metric}_bucket[{EVERY}])))"


def both(metric: str, labels: str, legend: str) -> list[Query]:
    return [(share(percent, metric, labels), f"p{percent} {legend}") for percent in (50, 95)]


def once(metric: str, labels: str = "") -> str:
    """What each receiver tells of the same Redis, counted once."""
    return f"max by ({labels}) ({metric})" if labels else f"max({metric})"


def growth(metric: str, labels: str = "") -> str:
    """How much Redis' own count has grown in an hour, counted once."""
    return once(f"increase({metric}[1h])", labels)


def each(metric: str, labels: str) -> str:
    """A second's worth of what several processes count."""
    return f"sum by ({labels}) (rate({metric}[{EVERY}]))"


PANELS: list[tuple[Words, list[tuple[Words, str, list[Query]]]]] = [
    (
        ("People wait", "La gente espera"),
        [
            (
                ("Until the first words", "Hasta las primeras palabras"),
                "s",
                both("recado_turn_first_words_seconds", "channel, backend", AGENT),
            ),
            (
                ("Until the whole answer", "Hasta la respuesta entera"),
                "s",
                both("recado_turn_answer_seconds", "channel, backend", AGENT),
            ),
            (
                ("Until a worker takes the turn", "Hasta que un worker toma el turno"),
                "s",
                both("recado_turn_waited_seconds", "channel", "{{channel}}"),
            ),
            (
                ("Oldest message without an answer", "Mensaje más antiguo sin respuesta"),
                "s",
                [(once("recado_oldest_waiting_seconds"), "")],
            ),
        ],
    ),
    (
        ("Messages in, turns out", "Entran mensajes, salen turnos"),
        [
            (
                ("Messages accepted", "Mensajes aceptados"),
                "cps",
                [
                    (each("recado_messages_accepted_total", "channel"), "{{channel}}"),
                    (once(f"rate(recado_messages_polled_total[{EVERY}])", "channel"), "{{channel}} (poll)"),
                    (each("recado_messages_duplicate_total", "channel"), "{{channel}} again|{{channel}} repetidos"),
                    (
                        once(f"rate(recado_messages_polled_duplicate_total[{EVERY}])", "channel"),
                        "{{channel}} (poll) again|{{channel}} (poll) repetidos",
                    ),
                ],
            ),
            (
                ("Requests refused", "Peticiones rechazadas"),
                "cps",
                [
                    (each("recado_requests_refused_total", "channel, reason"), "{{channel}} {{reason}}"),
                    (
                        each("recado_requests_quarantined_total", "channel"),
                        "{{channel}} quarantined|{{channel}} en cuarentena",
                    ),
                    (
                        each("recado_requests_unserved_total", "channel"),
                        "{{channel}} unserved|{{channel}} no atendidas",
                    ),
                ],
            ),
            (("Turns by state", "Turnos por estado"), "short", [(once("recado_turns", "state"), "{{state}}")]),
            (
                ("Turns that ended", "Turnos terminados"),
                "cps",
                [(each("recado_turns_total", "channel, outcome"), "{{channel}} {{outcome}}")],
            ),
        ],
    ),
    (
        ("Models", "Modelos"),
        [
            (
                ("First token", "Primer token"),
                "s",
                both("recado_model_first_token_seconds", "backend", "{{backend}}"),
            ),
            (("Whole generation", "Generación entera"), "s", both("recado_model_seconds", "backend", "{{backend}}")),
            (
                ("Tokens", "Tokens"),
                "cps",
                [(each("recado_tokens_total", "backend, direction"), "{{backend}} {{direction}}")],
            ),
            (
                ("Errors, retries, servers left alone", "Errores, reintentos, servidores apartados"),
                "short",
                [
                    (each("recado_model_errors_total", "backend, kind"), "{{backend}} {{kind}}"),
                    (each("recado_turn_retries_total", "reason"), "retry: {{reason}}|reintento: {{reason}}"),
                    (once("recado_breaker_open", "server"), "{{server}} left alone|{{server}} apartado"),
                    (once("recado_model_line"), "waiting for a place|esperan sitio"),
                ],
            ),
            (
                ("Frequent answers", "Respuestas frecuentes"),
                "cps",
                [(each("recado_frequent_answers_total", "outcome"), "{{outcome}}")],
            ),
        ],
    ),
    (
        ("Delivery", "Entrega"),
        [
            (
                ("Deliveries", "Entregas"),
                "cps",
                [
                    (each("recado_deliveries_total", "channel, outcome"), "{{channel}} {{outcome}}"),
                    (
                        each("recado_statuses_received_total", "channel, outcome"),
                        "{{channel}} status {{outcome}}|{{channel}} estado {{outcome}}",
                    ),
                ],
            ),
            (
                ("Platform says: slower (429)", "La plataforma pide ir más despacio (429)"),
                "cps",
                [(each("recado_rate_limited_total", "channel"), "{{channel}}")],
            ),
            (
                ("In the last hour", "En la última hora"),
                "short",
                [
                    (growth("recado_bubbles_unknown_total"), "unknown|desconocidos"),
                    (growth("recado_bubbles_failed_total"), "failed|fallidos"),
                    (growth("recado_bubbles_stray_total"), "stray|sueltos"),
                    (growth("recado_bubbles_parked_total"), "parked|aparcados"),
                    (growth("recado_turns_dead_total"), "dead letters|cartas muertas"),
                    (growth("recado_turns_bereft_total"), "lost their worker|perdieron su worker"),
                    (growth("recado_leases_lost_total"), "leases lost|reservas perdidas"),
                ],
            ),
            (
                ("Somebody should look", "Alguien debería mirar"),
                "short",
                [
                    (once("recado_conversations_dead"), "dead letters|cartas muertas"),
                    (once("recado_quarantine"), "quarantine|cuarentena"),
                    (once("recado_suspects"), "suspects|sospechosos"),
                    (once("recado_conversations_paused"), "a person answers|contesta una persona"),
                    (once("recado_account_held", "account"), "{{account}} on hold|{{account}} en espera"),
                ],
            ),
        ],
    ),
    (
        ("Machines and money", "Máquinas y dinero"),
        [
            (
                ("Workers", "Workers"),
                "short",
                [(once("recado_workers"), "workers"), ("sum by (state) (recado_turns_in_hand)", "{{state}}")],
            ),
            (
                ("Memory of each process", "Memoria de cada proceso"),
                "bytes",
                [
                    (once("recado_worker_memory_bytes", "worker"), "{{worker}}"),
                    ('process_resident_memory_bytes{job="receiver"}', "receiver {{instance}}|receptor {{instance}}"),
                ],
            ),
            (
                ("Memory of each GPU", "Memoria de cada GPU"),
                "bytes",
                [("recado_gpu_memory_bytes", "{{instance}} {{device}} {{kind}}")],
            ),
            (
                ("CPU of each process", "CPU de cada proceso"),
                "percentunit",
                [(f"rate(process_cpu_seconds_total[{EVERY}])", "{{job}} {{instance}}")],
            ),
            (
                ("What WhatsApp costs this month", "Lo que cuesta WhatsApp este mes"),
                "short",
                [
                    (once("recado_month_cost", "account"), "{{account}}"),
                    (once("recado_month_budget", "account"), "{{account}} budget|{{account}} presupuesto"),
                ],
            ),
        ],
    ),
]
