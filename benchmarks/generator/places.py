"""Where the people live: names, cities, streets and phone numbers by country. All fabricated mixes.

Names are pairs: as written at home, and as it stands in an e-mail address.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One country's stock to draw from."""

    country: str
    share: float
    language: str
    time_zone: str
    calling_code: str
    trunk: str
    mobile: tuple[str, int]  # prefix after the calling code, digits that follow
    landline: tuple[str, int]
    free_mail: str
    first_names: tuple[tuple[str, str], ...]
    last_names: tuple[tuple[str, str], ...]
    cities: tuple[tuple[str, str], ...]  # name, start of the postal code
    streets: tuple[str, ...]
    street_format: str = "{street} {number}"


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """'Zoë:zoe Anna' -> (('Zoë', 'zoe'), ('Anna', 'anna'))."""
    words = (word.partition(":") for word in text.split())
    return tuple(
        (name.replace("_", " "), ascii_name or name.lower()) for name, _, ascii_name in words
    )


def _cities(text: str) -> tuple[tuple[str, str], ...]:
    words = (word.partition(":") for word in text.split())
    return tuple((name.replace("_", " "), code.replace("_", " ")) for name, _, code in words)


PLACES = (
    Place(
        "DE",
        0.30,
        "de",
        "Europe/Berlin",
        "49",
        "0",
        ("17", 9),
        ("30", 8),
        "gmx.de",
        _pairs(
            "Anna Ben Clara David Emma Finn Greta Hannes Ida Jonas Katja Leon Marie Noah Oskar Paula "
            "Jürgen:juergen Käthe:kaethe Björn:bjoern Sören:soeren Lena Max Mia Paul Sophie Tim Ute "
            "Viktoria Wolfgang Zoë:zoe Ayşe:ayse Mehmet Nguyễn:nguyen Stefan Sabine Uwe Heike Lukas"
        ),
        _pairs(
            "Müller:mueller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann "
            "Schäfer:schaefer Koch Bauer Richter Klein Wolf Schröder:schroeder Neumann Schwarz Braun "
            "Krüger:krueger Hartmann Lange Werner Krause Lehmann Köhler:koehler Weiß:weiss Yılmaz:yilmaz "
            "Kaya Nowak von_der_Heide:vonderheide Vogel Frank Berger Winkler Lorenz Jäger:jaeger"
        ),
        _cities("Berlin:10 Hamburg:20 München:80 Köln:50 Leipzig:04 Bremen:28 Nürnberg:90 Kiel:24"),
        ("Hauptstraße", "Bahnhofstr.", "Gartenweg", "Lindenallee", "Schulstrasse", "Am Markt"),
    ),
    Place(
        "GB",
        0.15,
        "en",
        "Europe/London",
        "44",
        "0",
        ("7", 9),
        ("20", 8),
        "outlook.com",
        _pairs(
            "Oliver Amelia George Isla Harry Ava Noah Lily Jack Emily Leo Grace Arthur Freya Oscar "
            "Florence Charlie Willow Siân:sian Aisha Mohammed Priya Sean Niamh Callum Fiona Graham Ruth"
        ),
        _pairs(
            "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson "
            "Evans Walker White Roberts Green Hall Wood Harris O'Brien:obrien MacDonald:macdonald Khan "
            "Lewis Clarke James Phillips Singh Begum Shaw"
        ),
        _cities("London:SW1A_ Manchester:M1_ Leeds:LS1_ Bristol:BS1_ Glasgow:G1_ Cardiff:CF10_"),
        ("High Street", "Station Road", "Church Lane", "Victoria Road", "Park Avenue", "Mill Lane"),
        "{number} {street}",
    ),
    Place(
        "FR",
        0.10,
        "fr",
        "Europe/Paris",
        "33",
        "0",
        ("6", 8),
        ("1", 8),
        "orange.fr",
        _pairs(
            "Léa:lea Louis Chloé:chloe Gabriel Inès:ines Raphaël:raphael Jules Zoé:zoe Hugo Camille "
            "Noémie:noemie François:francois Amélie:amelie Théo:theo Manon Lucie Jean-Luc:jeanluc Fatima"
        ),
        _pairs(
            "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent "
            "Lefèvre:lefevre Michel Garcia Roux Fontaine Chevalier Benoît:benoit d'Arcy:darcy Nguyen"
        ),
        _cities("Paris:75 Lyon:69 Marseille:13 Lille:59 Nantes:44 Bordeaux:33"),
        ("rue de la Paix", "avenue Victor Hugo", "rue des Écoles", "place de l'Église"),
        "{number} {street}",
    ),
    Place(
        "NL",
        0.08,
        "nl",
        "Europe/Amsterdam",
        "31",
        "0",
        ("6", 8),
        ("20", 7),
        "ziggo.nl",
        _pairs("Daan Sanne Bram Femke Lars Lotte Sem Anouk Thijs Eva Joost Merel Ruben Fleur Koen"),
        _pairs(
            "de_Jong:dejong Jansen de_Vries:devries van_den_Berg:vandenberg Bakker Visser Smit Meijer "
            "de_Boer:deboer Mulder Bos Vos Peters Hendriks"
        ),
        _cities("Amsterdam:10 Utrecht:35 Rotterdam:30 Groningen:97"),
        ("Kerkstraat", "Dorpsstraat", "Molenweg", "Julianalaan"),
    ),
    Place(
        "AT",
        0.06,
        "de",
        "Europe/Vienna",
        "43",
        "0",
        ("664", 7),
        ("1", 7),
        "gmx.at",
        _pairs("Lukas Anna Jakob Lena Felix Theresa Maximilian Magdalena Florian Johanna Gernot"),
        _pairs(
            "Gruber Huber Bauer Wagner Pichler Steiner Moser Mayer Hofer Leitner Österreicher:oe"
        ),
        _cities("Wien:10 Graz:80 Linz:40 Salzburg:50"),
        ("Mariahilfer Straße", "Ringstraße", "Kirchengasse", "Hauptplatz"),
    ),
    Place(
        "ES",
        0.07,
        "es",
        "Europe/Madrid",
        "34",
        "",
        ("6", 8),
        ("91", 7),
        "yahoo.es",
        _pairs(
            "Lucía:lucia Hugo Martina Mateo Sofía:sofia Martín:martin José:jose María:maria Iñaki:inaki "
            "Begoña:begona Álvaro:alvaro Nuria Pablo Carmen"
        ),
        _pairs(
            "García:garcia Rodríguez:rodriguez González:gonzalez Fernández:fernandez López:lopez "
            "Martínez:martinez Muñoz:munoz Ibáñez:ibanez Peña:pena Núñez:nunez Serrano Ortega"
        ),
        _cities("Madrid:28 Barcelona:08 Valencia:46 Sevilla:41"),
        ("Calle Mayor", "Avenida de América", "Calle del Sol", "Paseo del Prado"),
    ),
    Place(
        "IT",
        0.06,
        "it",
        "Europe/Rome",
        "39",
        "",
        ("34", 8),
        ("06", 8),
        "libero.it",
        _pairs(
            "Giulia Leonardo Sofia Francesco Aurora Alessandro Niccolò:niccolo Chiara Matteo Elisa"
        ),
        _pairs(
            "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino D'Amico:damico Greco"
        ),
        _cities("Roma:00 Milano:20 Torino:10 Napoli:80"),
        ("Via Roma", "Via Garibaldi", "Corso Italia", "Piazza Dante"),
    ),
    Place(
        "PL",
        0.05,
        "pl",
        "Europe/Warsaw",
        "48",
        "",
        ("60", 7),
        ("22", 7),
        "wp.pl",
        _pairs("Zofia Jan Hanna Łukasz:lukasz Małgorzata:malgorzata Wojciech Agnieszka Piotr Ewa"),
        _pairs(
            "Nowak Kowalski Wiśniewski:wisniewski Wójcik:wojcik Kamiński:kaminski Zając:zajac Król:krol "
            "Wróbel:wrobel Mazur"
        ),
        _cities("Warszawa:00- Kraków:30- Gdańsk:80- Łódź:90-"),
        ("ul. Długa", "ul. Polna", "ul. Leśna", "al. Wolności"),
    ),
    Place(
        "US",
        0.08,
        "en",
        "America/New_York",
        "1",
        "1",
        ("415", 7),
        ("212", 7),
        "yahoo.com",
        _pairs(
            "Liam Olivia Emma James Ethan Mia Jayden Harper José:jose Wei Aaliyah Tyler Megan Chloe"
        ),
        _pairs(
            "Smith Johnson Garcia Miller Davis Rodriguez Lee Nguyen Kim Walker Young O'Connor:oconnor"
        ),
        _cities("New_York:100 Boston:021 Chicago:606 Austin:787"),
        ("Main St", "Oak Avenue", "Maple Drive", "2nd Street"),
        "{number} {street}",
    ),
    Place(
        "GR",
        0.02,
        "el",
        "Europe/Athens",
        "30",
        "",
        ("69", 8),
        ("21", 8),
        "yahoo.gr",
        _pairs("Ελένη:eleni Γιώργος:giorgos Μαρία:maria Νίκος:nikos Σοφία:sofia"),
        _pairs("Παπαδόπουλος:papadopoulos Γεωργίου:georgiou Νικολάου:nikolaou Ιωάννου:ioannou"),
        _cities("Αθήνα:10 Θεσσαλονίκη:54"),
        ("Ερμού", "Πανεπιστημίου"),
    ),
    Place(
        "UA",
        0.02,
        "uk",
        "Europe/Kyiv",
        "380",
        "0",
        ("67", 7),
        ("44", 7),
        "ukr.net",
        _pairs("Олена:olena Андрій:andriy Наталія:nataliia Тарас:taras Юлія:yuliia"),
        _pairs("Шевченко:shevchenko Коваленко:kovalenko Бондар:bondar Мельник:melnyk Ткач:tkach"),
        _cities("Київ:01 Львів:79"),
        ("вулиця Хрещатик", "вулиця Садова"),
    ),
    Place(
        "JP",
        0.01,
        "ja",
        "Asia/Tokyo",
        "81",
        "0",
        ("90", 8),
        ("3", 8),
        "yahoo.co.jp",
        _pairs("太郎:taro 花子:hanako 健:ken さくら:sakura 陽菜:hina"),
        _pairs("山田:yamada 佐藤:sato 鈴木:suzuki 高橋:takahashi 田中:tanaka"),
        _cities("東京:10 大阪:53"),
        ("中央", "本町"),
    ),
)

# Consumer mail hosts that exist nowhere; the free-mail seed has them too, as the demo's own.
EXAMPLE_MAIL = ("mailbox.example", "post.example", "webmail.example", "inbox.example")

COMPANY_WORDS = (
    "Alpen",
    "Nord",
    "Blau",
    "Atlas",
    "Borealis",
    "Cedar",
    "Delta",
    "Ember",
    "Falken",
    "Gletscher",
    "Harbour",
    "Iris",
    "Juniper",
    "Kestrel",
    "Linden",
    "Meridian",
    "Nimbus",
    "Orchard",
    "Polar",
    "Quarz",
    "Ridge",
    "Sierra",
    "Tidal",
    "Umbra",
    "Vela",
    "Weser",
    "Yarrow",
    "Zephyr",
)
COMPANY_TRADES = (
    "Logistics",
    "Software",
    "Werkzeuge",
    "Foods",
    "Energy",
    "Textil",
    "Health",
    "Media",
    "Bau",
    "Robotics",
    "Travel",
    "Papier",
    "Optics",
    "Garden",
    "Motion",
    "Systems",
)
COMPANY_FORMS = {
    "DE": "GmbH",
    "AT": "GmbH",
    "GB": "Ltd",
    "US": "Inc.",
    "FR": "SARL",
    "NL": "B.V.",
    "ES": "S.L.",
    "IT": "S.r.l.",
    "PL": "sp. z o.o.",
    "GR": "A.E.",
    "UA": "TOV",
    "JP": "K.K.",
}
INDUSTRIES = ("retail", "software", "manufacturing", "logistics", "hospitality", "education")
